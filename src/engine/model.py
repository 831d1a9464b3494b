"""A model in service: loading, calls, versions, and its life from loading to closing."""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from engine import _core, events, pickling
from engine import cache as packs
from engine.checks import Check, run_checks
from engine.drain import DrainReport
from engine.errors import CheckFailed, EngineError, NotReady
from engine.options import Shapes, checked_options, folders, raw_keys, warm_ups
from engine.source import Digests, Resolved, Source, name_of, path_of, resolve
from engine.threads import start_thread

if TYPE_CHECKING:
    from concurrent.futures import Future

    from engine.manifest import Manifest
    from engine.signature import Key

_open_models: weakref.WeakSet[Model] = weakref.WeakSet()

# (name, version) -> address of the block where calls are counted; set by engine.metrics when processes count in shared memory.
place_of_counts: Callable[[str, int], int] | None = None


class Model(_core.ModelBase):
    """A loaded model. Made by engine.load; safe to call from any number of threads.

    Calls: run, __call__, run_async, submit. Versions: reload, rollback. Life: state, ready, wait_ready, drain, close; a model is
    its own context manager.
    """

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.name = name
        self._options = options
        self._origins: dict[int, pickling.Origin] = {}
        self._coming: dict[str, pickling.Origin] = {}  # of versions that become current just now, by digest
        self._load_error: BaseException | None = None
        self._named_by_manifest = False
        self._on_trial = False
        self._begin(**{key: options[key] for key in _SERVICE_OPTIONS})

    # -- loading

    def _open(self, source: Source, sha256: Digests | None = None, **how: Any) -> int:
        """Loads the first version. how: arguments of _take."""
        return self._first(lambda: self._take(source, sha256, **how))

    def _open_origin(self, origin: pickling.Origin) -> None:
        """Loads a version that another process had."""
        resolved = Resolved(origin.source, origin.digest, origin.external_sha256, origin.manifest)
        self._first(lambda: self._take_resolved(resolved))

    def _first(self, take: Callable[[], int]) -> int:
        try:
            return self._told("load", take)
        except BaseException as error:
            self._load_error = error
            self._fail(str(error) or type(error).__name__)
            raise

    def _told(self, event: str, take: Callable[[], int]) -> int:
        """take, which loads a version and returns its number, with an event of what became of it."""
        began = time.monotonic()
        try:
            number = take()
        except BaseException as error:
            events.load_failed(event, self.name, error)
            raise
        events.loaded(event, self, number, time.monotonic() - began)
        return number

    def _open_in_background(self, source: Source, sha256: Digests | None) -> None:
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

    def _take(self, source: Source, sha256: Digests | None, trusted_keys: list[bytes] | None = None, **how: Any) -> int:
        """Loads a version and makes it current; returns its number. how: arguments of _take_resolved."""
        try:
            resolved = resolve(source, sha256, trusted_keys or self._options["trusted_keys"])
        except EngineError:
            self._count_failed_load()
            raise
        if self._named_by_manifest and resolved.manifest is not None:
            self.name, self._named_by_manifest = resolved.manifest.name, False
        return self._take_resolved(resolved, **how)

    def _take_resolved(
        self,
        resolved: Resolved,
        *,
        external_data: list[str] | None = None,
        warmup: bool | Iterable[Shapes] | None = None,
        background: bool = False,
        checks: Check | None = None,
        allow_signature_change: bool = False,
        approve: Callable[[Resolved], None] | None = None,
        number: int = 0,
    ) -> int:
        """approve: called before the version becomes current; what it raises keeps it from that. number: the version's; 0: the
        next. The rest: as for reload.
        """
        options = {**self._options, "sha256": resolved.sha256, "external_sha256": resolved.external_sha256}
        if external_data is not None:
            options["external_data"] = external_data
        loaded = self._load(resolved.read, options, options["warmup"] if warmup is None else warmup, background)
        if loaded.cache["failed"]:
            packs.tell_failure(options["cache"], loaded.cache["failure"])
        if checks is not None:
            self._check(loaded, checks)
        if approve is not None:
            approve(resolved)
        origin = pickling.origin_of(resolved.read, loaded.digest, loaded.external_files, resolved.manifest)
        self._coming[loaded.digest] = origin
        try:
            number = self._publish(loaded, allow_signature_change, number)
            self._origins[number] = origin
        finally:
            self._coming.pop(loaded.digest, None)
        self._forget_origins()
        _open_models.add(self)
        return number

    def _check(self, loaded: _core.Loaded, checks: Check) -> None:
        trial = Model(f"{self.name} (on trial)", self._options)
        trial._on_trial = True
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
        report: events.CallReport | None = None,
    ) -> dict[str, Any]:
        """run, for event loops: no thread waits, the loop is never blocked, and cancelling the task stops the compute.

        The arrays in `feeds` must not be changed before it ends.
        """
        from engine import futures

        loop, mailbox = futures.mailbox_of_running_loop()
        future = loop.create_future()
        pending = _core._start(self, mailbox, future, feeds, timeout, outputs, request_id, cancel, priority, report)
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
        report: events.CallReport | None = None,
    ) -> Future[dict[str, Any]]:
        """run, elsewhere: returns a concurrent.futures.Future at once. Its cancel() stops the compute too.

        The arrays in `feeds` must not be changed before it is done.
        """
        from engine import futures

        future = futures.CallFuture()
        future.pending = _core._start(
            self, futures.delivery_mailbox(), future, feeds, timeout, outputs, request_id, cancel, priority, report
        )
        return future

    # -- versions

    def reload(
        self,
        source: Source,
        *,
        sha256: Digests | None = None,
        external_data: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
        checks: Check | None = None,
        allow_signature_change: bool = False,
        warmup: bool | Iterable[Shapes] | None = None,
        trusted_keys: Iterable[Key] | None = None,
    ) -> int:
        """Put another version into service; returns its number.

        It is read, verified, planned and warmed aside, on a thread of low priority, then becomes current in one step: calls that
        have started end on the version they began with, calls after the return see the new one. When anything fails the current
        version stays as it is. A version that is kept no longer is freed before this returns, once its last call has ended.

        source, sha256, external_data, warmup, trusted_keys: as for load; None: as the model was loaded. Shapes that recent calls
            had are warmed in any case.
        checks: what the new version must pass first: pairs (feeds, expected outputs), or a callable that gets a Model of it and
            raises, or returns False, when it is no good.
        allow_signature_change: take it although its inputs or outputs differ from the current version's.

        Raises what load raises; CheckFailed; InvalidModel for a different signature; NotReady, Draining.
        """
        return self._told(
            "reload",
            lambda: self._take(
                source,
                sha256,
                raw_keys(trusted_keys),
                external_data=None if external_data is None else folders(external_data),
                warmup=None if warmup is None else warm_ups(warmup),
                background=True,
                checks=checks,
                allow_signature_change=allow_signature_change,
            ),
        )

    def rollback(self) -> int:
        """Go back to the version before the current one, which is still in memory; returns its number.

        Raises NotReady when none is kept (load's keep_versions).
        """
        number = self._rollback()
        self._forget_origins()
        events.rolled_back(self.name, number)
        return number

    def _origin(self, version: int | None = None) -> pickling.Origin | None:
        """Of the current version, or of one that was current a moment ago."""
        origin = self._origins.get(self.version if version is None else version)
        return self._coming.get(self.digest) if origin is None and self._coming else origin

    def _forget_origins(self) -> None:
        alive = {self.version, *self.kept_versions}
        for number in [n for n in self._origins if n not in alive]:
            self._origins.pop(number, None)

    def _place_of_counts(self, version: int) -> int:
        return place_of_counts(self.name, version) if place_of_counts is not None and not self._on_trial else 0

    # -- life

    def drain(self, timeout: float | None = 30.0) -> DrainReport:
        """Refuse new calls with Draining, wait for those in flight and in the queue, then stop what is left.

        timeout: seconds to wait before that; None: for ever.
        """
        return self._start_drain()(timeout)

    def _start_drain(self) -> Callable[[float | None], DrainReport]:
        """New calls are refused from now on. Returns the rest of a drain, which takes its timeout."""
        began = time.monotonic()
        refused_before = self._refusals()
        found = self._begin_drain()
        if found:
            events.emit(
                events.INFO, "drain_begun", f"model {self.name!r}: {found} calls to end", model=self.name, calls=found
            )

        def finish(timeout: float | None) -> DrainReport:
            drained = self._wait_drained(timeout)
            refused = self._refusals() - refused_before
            cancelled = 0
            if not drained:
                cancelled = self._abort_calls()
                self._wait_drained(None)
            report = DrainReport(found - cancelled, cancelled, refused, time.monotonic() - began)
            events.emit(
                events.INFO, "drain", f"model {self.name!r}: drained: {report}", model=self.name, **vars(report)
            )
            return report

        return finish

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

    @property
    def path(self) -> str | None:
        """Where the version in service was read from; None when it came from memory."""
        origin = self._origin()
        return origin.source if origin is not None and isinstance(origin.source, str) else None

    def stats(self) -> dict[str, Any]:
        """A snapshot of every counter and histogram; times in seconds, memory in bytes.

        started == the sum of outcomes + in_flight, always. seconds[...] of "queue", "compute", "total", "lag" (deadline to
        end), "cancel_lag" (cancellation to end) and "stop" (the checkpoint that stopped a call to its end) hold count, sum, p50, p90, p99,
        p999 (within 3.2 %) and the buckets that are not empty.
        """
        facts: dict[str, Any] = {"name": self.name, "state": self.state, "version": None, "kept_versions": ()}
        facts.update(self._counts())
        try:
            facts.update(version=self.version, kept_versions=self.kept_versions, digest=self.digest)
            facts.update(threads=self.threads, memory=self.memory, cache=self.cache)
        except EngineError:
            pass
        return facts

    @property
    def manifest(self) -> Manifest | None:
        """The manifest that the current version was loaded by, or None."""
        origin = self._origin()
        return origin.manifest if origin is not None else None

    def __reduce__(self) -> tuple[Any, ...]:
        return pickling.reduce(self)

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self

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
    sha256: Digests | None = None,
    trusted_keys: Iterable[Key] | None = None,
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
    hash_files: bool = False,
    as_inputs: Iterable[str] = (),
    dims: Mapping[str, int] | None = None,
) -> Model:
    """Read, verify, plan and warm an ONNX model.

    source: the path of an ONNX file, or its bytes (any buffer); or a folder with a manifest, or that model.json: then all that is
        read must be as listed there.
    sha256: the expected digest, in hex, with or without "sha256:", of the file that `source` names (for a folder: of its
        model.json); or a dict from file name to digest with the ONNX file and all its external data.
    trusted_keys: public Ed25519 keys (paths of PEM files, or keys), one of which must have signed the manifest; None: none need.
    name: for messages, logs and metrics; None: from the manifest or the path.
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
    hash_files: compute the digests of external data also where none is expected (external_files tells them).
    as_inputs: names of initializers that the file lists as inputs too (Model.default_inputs): they become inputs, given by every
        call. All others are constants.
    dims: sizes of dimensions that the file leaves open under a name, {"batch": 1}: the model is planned for these and takes
        no other.

    Raises FileNotFound, DigestMismatch, InvalidManifest, SignatureError, InvalidModel, UnsupportedOperator (listing every operator that is not supported),
    MemoryLimitExceeded, InvalidInput (an argument is off).
    """
    options = {
        "trusted_keys": trusted_keys,
        "external_data": external_data,
        "threads": threads,
        "max_concurrency": max_concurrency,
        "max_queue": max_queue,
        "timeout": timeout,
        "max_timeout": max_timeout,
        "refuse_late": refuse_late,
        "memory_limit": memory_limit,
        "keep_versions": keep_versions,
        "warmup": warmup,
        "optimize": optimize,
        "allow_random": allow_random,
        "cache": cache,
        "cache_limit": cache_limit,
        "hash_files": hash_files,
        "as_inputs": as_inputs,
        "dims": dims,
    }
    model = unopened(name or name_of(path_of(source)), **options)
    model._named_by_manifest = not name
    if background:
        model._open_in_background(source, sha256)
    else:
        model._open(source, sha256)
    return model


def unopened(name: str, **options: Any) -> Model:
    """A model without a version. options: those of load that do not say what is loaded; their defaults are load's."""
    return Model(name, checked_options(load.__kwdefaults__ or {}, options))


def open_models() -> list[Model]:
    """The models of this process that are not closed."""
    return [model for model in list(_open_models) if model.state not in ("CLOSED", "FAILED")]
