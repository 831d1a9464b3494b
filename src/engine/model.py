"""A model in service: loading, calls, versions, and its life from loading to closing."""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from engine import _core
from engine import cache as packs
from engine.checks import Check, run_checks
from engine.errors import CheckFailed, EngineError, InvalidInput, NotReady
from engine.threads import start_thread

if TYPE_CHECKING:
    from concurrent.futures import Future

Source = str | os.PathLike[str] | bytes | bytearray | memoryview
Shapes = Mapping[str, Sequence[int]]

LEVELS = ("off", "cheap", "all")

_open_models: weakref.WeakSet[Model] = weakref.WeakSet()


@dataclass(frozen=True)
class DrainReport:
    """What became of the calls that a drain found.

    finished: calls in flight or queued that ended by themselves. cancelled: those that were stopped when the time was over.
    refused: calls that came during the drain. seconds: what the drain took.
    """

    finished: int
    cancelled: int
    refused: int
    seconds: float


@dataclass(frozen=True)
class _Origin:
    """Where a version came from: a path, or None for bytes."""

    path: str | None
    digest: str


class Model(_core.ModelBase):
    """A loaded model. Made by engine.load; safe to call from any number of threads.

    Calls: run, __call__, run_async, submit. Versions: reload, rollback. Life: state, ready, wait_ready, drain, close; a model is
    its own context manager.
    """

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.name = name
        self._options = options
        self._origins: dict[int, _Origin] = {}
        self._load_error: BaseException | None = None
        self._begin(**{key: options[key] for key in _SERVICE_OPTIONS})

    # -- loading

    def _open(self, source: Source, sha256: str | None) -> None:
        try:
            number, origin = self._take(source, sha256, self._options["external_data"], self._options["warmup"])
        except BaseException as error:
            self._load_error = error
            self._fail(str(error) or type(error).__name__)
            raise
        self._origins[number] = origin

    def _open_in_background(self, source: Source, sha256: str | None) -> None:
        def load_it() -> None:
            with contextlib.suppress(Exception):  # whatever it is, wait_ready raises it
                if self.state == "LOADING":
                    self._open(source, sha256)

        _open_models.add(self)
        try:
            start_thread(load_it)
        except BaseException as error:
            self._fail(str(error))
            raise

    def _take(
        self,
        source: Source,
        sha256: str | None,
        external_data: list[str],
        warmup: bool | Iterable[Shapes],
        background: bool = False,
        checks: Check | None = None,
        allow_signature_change: bool = False,
    ) -> tuple[int, _Origin]:
        path = _path(source)
        options = {**self._options, "sha256": sha256, "external_data": external_data}
        loaded = self._load(source if path is None else path, options, warmup, background)
        if loaded.cache["failed"]:
            packs.tell_failure(options["cache"], loaded.cache["failure"])
        if checks is not None:
            self._check(loaded, checks)
        number = self._publish(loaded, allow_signature_change)
        _open_models.add(self)
        return number, _Origin(path and os.path.abspath(path), loaded.digest)

    def _check(self, loaded: _core.Loaded, checks: Check) -> None:
        trial = Model(f"{self.name} (on trial)", self._options)
        try:
            trial._publish(loaded, False)
            run_checks(trial, checks)
        except EngineError:
            self._count_failed_load()
            raise
        except Exception as error:
            self._count_failed_load()
            raise CheckFailed(f"the new version's check raised {type(error).__name__}: {error}") from error
        finally:
            trial._close()

    def wait_ready(self, timeout: float | None = None) -> None:
        """Block until the model answers calls.

        timeout: seconds; None: for ever. Raises NotReady when it is still being loaded then, and what loading raised when that
        has failed.
        """
        self._wait_loaded(timeout)
        if self.state == "FAILED" and self._load_error is not None:
            raise self._load_error
        if not self.ready:
            raise NotReady(f"model {self.name!r} is {self.state}" + (f": {self.reason}" if self.reason else ""))

    # -- calls

    async def run_async(
        self,
        feeds: dict[str, Any],
        *,
        timeout: float | None = None,
        outputs: Iterable[str] | None = None,
        request_id: str | None = None,
        cancel: _core.CancelToken | None = None,
        priority: str | None = None,
    ) -> dict[str, Any]:
        """run, for event loops: no thread waits, the loop is never blocked, and cancelling the task stops the compute.

        The arrays in `feeds` must not be changed before it ends.
        """
        from engine import futures

        loop, mailbox = futures.mailbox_of_running_loop()
        future = loop.create_future()
        pending = _core._start(self, mailbox, future, feeds, timeout, outputs, request_id, cancel, priority)
        try:
            answer: dict[str, Any] = await future
            return answer
        except futures.CancelledError:
            pending.cancel()
            raise

    def submit(
        self,
        feeds: dict[str, Any],
        *,
        timeout: float | None = None,
        outputs: Iterable[str] | None = None,
        request_id: str | None = None,
        cancel: _core.CancelToken | None = None,
        priority: str | None = None,
    ) -> Future[dict[str, Any]]:
        """run, elsewhere: returns a concurrent.futures.Future at once. Its cancel() stops the compute too.

        The arrays in `feeds` must not be changed before it is done.
        """
        from engine import futures

        future = futures.CallFuture()
        future.pending = _core._start(
            self, futures.delivery_mailbox(), future, feeds, timeout, outputs, request_id, cancel, priority
        )
        return future

    # -- versions

    def reload(
        self,
        source: Source,
        *,
        sha256: str | None = None,
        external_data: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
        checks: Check | None = None,
        allow_signature_change: bool = False,
        warmup: bool | Iterable[Shapes] | None = None,
    ) -> int:
        """Put another version into service; returns its number.

        It is read, verified, planned and warmed aside, on a thread of low priority, then becomes current in one step: calls that
        have started end on the version they began with, calls after the return see the new one. When anything fails the current
        version stays as it is. A version that is kept no longer is freed before this returns, once its last call has ended.

        source, sha256, external_data, warmup: as for load; None: as the model was loaded. Shapes that recent calls had are warmed
            in any case.
        checks: what the new version must pass first: pairs (feeds, expected outputs), or a callable that gets a Model of it and
            raises, or returns False, when it is no good.
        allow_signature_change: take it although its inputs or outputs differ from the current version's.

        Raises what load raises; CheckFailed; InvalidModel for a different signature; NotReady, Draining.
        """
        folders = self._options["external_data"] if external_data is None else _folders(external_data)
        warm = self._options["warmup"] if warmup is None else _warmup(warmup)
        number, origin = self._take(source, sha256, folders, warm, True, checks, allow_signature_change)
        self._origins[number] = origin
        self._forget_origins()
        return number

    def rollback(self) -> int:
        """Go back to the version before the current one, which is still in memory; returns its number.

        Raises NotReady when none is kept (load's keep_versions).
        """
        number = self._rollback()
        self._forget_origins()
        return number

    def _forget_origins(self) -> None:
        alive = {self.version, *self.kept_versions}
        for number in [n for n in self._origins if n not in alive]:
            self._origins.pop(number, None)

    # -- life

    def drain(self, timeout: float | None = 30.0) -> DrainReport:
        """Refuse new calls with Draining, wait for those in flight and in the queue, then stop what is left.

        timeout: seconds to wait before that; None: for ever.
        """
        began = time.monotonic()
        refused_before = self._refusals()
        found = self._begin_drain()
        drained = self._wait_drained(timeout)
        refused = self._refusals() - refused_before
        cancelled = 0
        if not drained:
            cancelled = self._abort_calls()
            self._wait_drained(None)
        return DrainReport(found - cancelled, cancelled, refused, time.monotonic() - began)

    def _refusals(self) -> int:
        refused: int = self._counts()["outcomes"]["draining"]
        return refused

    def close(self) -> None:
        """Stop all calls and give all memory back; further calls raise NotReady."""
        self._close()

    def __enter__(self) -> Model:  # noqa: PYI034 - nobody derives from it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- facts

    def stats(self) -> dict[str, Any]:
        """A snapshot of every counter and histogram; times in seconds, memory in bytes.

        started == the sum of outcomes + in_flight, always. seconds[...] of "queue", "compute", "total" and "lag" (deadline to
        return) hold count, sum, p50, p90, p99, p999 (within 3.2 %) and the buckets that are not empty.
        """
        facts: dict[str, Any] = {"name": self.name, "state": self.state, "version": None, "kept_versions": ()}
        facts.update(self._counts())
        try:
            facts.update(version=self.version, kept_versions=self.kept_versions, digest=self.digest)
            facts.update(threads=self.threads, memory=self.memory, cache=self.cache)
        except EngineError:
            pass
        return facts

    def __reduce__(self) -> tuple[Any, ...]:
        origin = self._origins.get(self.version)
        if origin is None or origin.path is None:
            raise TypeError("a model loaded from bytes cannot be pickled; load it from a path")
        return _reopen, (origin.path, origin.digest, self.name, self._options)

    def __repr__(self) -> str:
        try:
            inputs = ", ".join(
                f"{i.name}: {i.dtype}{list(i.shape) if i.shape is not None else ''}" for i in self.inputs
            )
            return f"<engine.Model {self.name!r} version {self.version} {self.digest[:19]} ({inputs})>"
        except EngineError:
            return f"<engine.Model {self.name!r} {self.state}>"


_SERVICE_OPTIONS = (
    "max_concurrency",
    "max_queue",
    "timeout",
    "max_timeout",
    "refuse_late",
    "keep_versions",
    "memory_limit",
)


def load(
    source: Source,
    *,
    sha256: str | None = None,
    name: str | None = None,
    external_data: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    threads: int | None = None,
    max_concurrency: int | None = None,
    max_queue: int = 64,
    timeout: float | None = None,
    max_timeout: float | None = None,
    refuse_late: bool = True,
    memory_limit: int | None = None,
    keep_versions: int = 1,
    background: bool = False,
    warmup: bool | Iterable[Shapes] = True,
    optimize: str = "all",
    allow_random: bool = False,
    cache: str | os.PathLike[str] | bool | None = None,
    cache_limit: int | None = None,
) -> Model:
    """Read, verify, plan and warm an ONNX model.

    source: a path, or the file's bytes (any buffer).
    sha256: the file's expected digest in hex, with or without "sha256:".
    name: for messages, logs and metrics; None: from the path.
    external_data: further folders from which external tensor data may be read, and into which links may point. Beside a model
        that comes from a path, its own folder may always be read.
    threads: threads that one call may use; None: the CPUs this process may use (affinity mask and cgroup quota).
    max_concurrency: calls that compute at once; None: those CPUs.
    max_queue: calls that wait beyond that; one more is Overloaded at once.
    timeout: default seconds of a call, waiting and computing together; None: none.
    max_timeout: seconds that no call may exceed, whatever its timeout; None: none.
    refuse_late: when calls wait, refuse those that cannot finish in time (recent calls took longer than what is left) instead of
        computing them in vain.
    memory_limit: bytes for the weights, arenas and run-time tensors of all versions of this model; None: no limit.
    keep_versions: earlier versions kept in memory for rollback.
    background: return at once; the model is LOADING, then READY or FAILED (wait_ready).
    warmup: True: run once on zeros where the file tells the shapes; a list of dicts from input name to shape: run each of these;
        False: only plan.
    optimize: "all", "cheap" (only what removes work that is plainly needless) or "off": the answers agree within rounding.
    allow_random: accept operators that draw random numbers (RandomNormalLike, Bernoulli, Dropout in training mode, ...), whose answers
        differ from call to call; otherwise such a model is refused with UnsupportedOperator.
    cache: a folder in which packed weights are kept and from which all processes that load the same weights share them (docs/cache.md);
        None: the one that the environment variable ENGINE_CACHE names, if any; False: none.
    cache_limit: bytes that this folder may have: what was used longest ago is removed; None: ENGINE_CACHE_LIMIT, or 8 GiB.

    Raises FileNotFound, DigestMismatch, InvalidModel, UnsupportedOperator (listing every operator that is not supported),
    MemoryLimitExceeded, InvalidInput (an argument is off).
    """
    _at_least(1, max_concurrency=max_concurrency, memory_limit=memory_limit, cache_limit=cache_limit)
    _at_least(0, max_queue=max_queue, keep_versions=keep_versions, timeout=timeout, max_timeout=max_timeout)
    if threads is not None and not 1 <= threads <= 256:
        raise InvalidInput(f"threads is {threads}; 1 to 256 are allowed")
    if max_concurrency is not None and max_concurrency > 1 << 16:
        raise InvalidInput(f"max_concurrency is {max_concurrency}; at most {1 << 16} are allowed")
    if keep_versions > 32:
        raise InvalidInput(f"keep_versions is {keep_versions}; at most 32 are allowed")
    if optimize not in LEVELS:
        raise InvalidInput(f"optimize is {optimize!r}; one of {', '.join(LEVELS)} is wanted")
    path = _path(source)
    options = {
        "external_data": _folders(external_data),
        "threads": threads,
        "max_concurrency": max_concurrency,
        "max_queue": min(max_queue, (1 << 31) - 1),
        "timeout": timeout,
        "max_timeout": max_timeout,
        "refuse_late": refuse_late,
        "memory_limit": memory_limit,
        "keep_versions": keep_versions,
        "warmup": _warmup(warmup),
        "optimize": optimize,
        "allow_random": allow_random,
        "cache": packs.folder_of(cache),
        "cache_limit": min(packs.limit_of(cache_limit), (1 << 63) - 1),
    }
    model = Model(name or _name(path), options)
    if background:
        model._open_in_background(source, sha256)
    else:
        model._open(source, sha256)
    return model


def open_models() -> list[Model]:
    """The models of this process that are not closed."""
    return [model for model in list(_open_models) if model.state not in ("CLOSED", "FAILED")]


def _at_least(least: int, **given: float | None) -> None:
    for name, value in given.items():
        if value is not None and not value >= least:
            raise InvalidInput(f"{name} is {value}; at least {least} is wanted")


def _path(source: Source) -> str | None:
    """None for bytes."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = os.fspath(source)
    if not isinstance(path, str):
        raise InvalidInput("a path is a str or an os.PathLike of str")
    return path


def _name(path: str | None) -> str:
    """model.onnx and model are no names; the folder above them is."""
    if path is None:
        return "model"
    stem = os.path.splitext(os.path.basename(path))[0]
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    return folder if stem == "model" and folder else stem


def _folders(external_data: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    if isinstance(external_data, (str, os.PathLike)):
        external_data = [external_data]
    return [os.fspath(folder) for folder in external_data]


def _warmup(warmup: bool | Iterable[Shapes]) -> bool | list[dict[str, tuple[int, ...]]]:
    if isinstance(warmup, bool):
        return warmup
    if isinstance(warmup, Mapping):
        raise InvalidInput("warmup is a list of dicts from input name to shape, not one dict")
    return [{name: tuple(shape) for name, shape in run.items()} for run in warmup]


def _reopen(path: str, digest: str, name: str, options: dict[str, Any]) -> Model:
    """Unpickle: the same file, which must still have the digest that it had. Once a process for each file and options."""
    model = Model(name, options)
    model._open(path, digest)
    return model
