"""Handles: what calls use, whatever version is live."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from engine import _core
from engine.errors import Draining, InvalidInput, NotReady, UnknownModel
from engine.events import CallReport
from engine.model import Model
from engine.repository.entry import Entry
from engine.repository.served import Served

if TYPE_CHECKING:
    from concurrent.futures import Future

    from engine.manifest import Manifest

T = TypeVar("T")


class ModelHandle:
    """A model of a repository, to be called as an engine.Model is. Made by Repository.model; safe to use from any thread, for ever.

    Each call goes to the version that is live when it begins, to `fixed_version`, or to the version that `label` points to then.
    A call never sees a swap: it ends on the version that it began with. What cannot be served raises NotReady. `version`, and the
    version that errors name, are the repository's numbers.
    """

    def __init__(self, entry: Entry, version: int | None = None, label: str | None = None) -> None:
        self._entry = entry
        self.fixed_version = version
        self.label = label

    # -- calls: the options are those of the methods of engine.Model

    def run(self, feeds: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Compute the outputs for a dict of inputs: Model.run."""
        return self._call(options, lambda model, given: model.run(feeds, **given))

    def __call__(self, *args: Any, timeout: float | None = None) -> Any:
        """Inputs by position; the output itself when the model has one, else a tuple."""
        if self.fixed_version is None:
            return self._call({"timeout": timeout}, lambda model, given: model(*args, **given))
        names = self.input_names
        if len(args) != len(names):
            raise InvalidInput(f"the model has {len(names)} inputs ({', '.join(names)}); {len(args)} are given")
        answers = tuple(self.run(dict(zip(names, args, strict=True)), timeout=timeout).values())
        return answers[0] if len(answers) == 1 else answers

    async def run_async(self, feeds: dict[str, Any], **options: Any) -> dict[str, Any]:
        """run, for event loops: Model.run_async."""
        began = time.monotonic()
        while True:
            served = self._served()
            try:
                options = self._reporting(served, options)
                answer = await served.model.run_async(feeds, **options)
            except (Draining, NotReady):
                if not self._replaced(served):
                    raise
                options = _less_time(options, began)
            else:
                self.check(served, options)
                return answer

    def submit(self, feeds: dict[str, Any], **options: Any) -> Future[dict[str, Any]]:
        """run, elsewhere: returns a concurrent.futures.Future at once: Model.submit."""
        while True:
            served = self._served()
            try:
                options = self._reporting(served, options)
                future = served.model.submit(feeds, **options)
            except (Draining, NotReady):
                if not self._replaced(served):
                    raise
            else:
                return self._checked_later(served, future, options)

    def _call(self, options: dict[str, Any], call: Callable[[Model, dict[str, Any]], T]) -> T:
        began = time.monotonic()
        while True:
            served = self._served()
            try:
                options = self._reporting(served, options)
                answer = call(served.model, options)
            except (Draining, NotReady):
                if not self._replaced(served):
                    raise
                options = _less_time(options, began)
            else:
                self.check(served, options)
                return answer

    def _is_bound(self, served: Served) -> bool:
        """Whether one version was asked for of a model that may be swapped to another meanwhile."""
        return self.fixed_version is not None and served.swapped

    def _reporting(self, served: Served, options: dict[str, Any]) -> dict[str, Any]:
        if not self._is_bound(served) or options.get("report") is not None:
            return options
        return {**options, "report": CallReport()}

    def _run_if_short(
        self,
        feeds: dict[str, Any],
        limit: float,
        timeout: float | None,
        outputs: Iterable[str] | None,
        request_id: str | None,
        report: CallReport | None,
    ) -> dict[str, Any] | None:
        """For event loops: Model._run_if_short."""
        served = self._served()
        options = self._reporting(served, {"report": report})
        answer = served.model._run_if_short(feeds, limit, timeout, outputs, request_id, options["report"])
        if answer is not None:
            self.check(served, options)
        return answer

    def _checked_later(
        self, served: Served, future: Future[dict[str, Any]], options: dict[str, Any]
    ) -> Future[dict[str, Any]]:
        if not self._is_bound(served):
            return future
        from engine.repository.futures import BoundFuture

        return BoundFuture(future, lambda: self.check(served, options))

    def check(self, served: Served, options: dict[str, Any]) -> None:
        """NotReady when another version answered than was asked for: the model was swapped before the call's turn came."""
        if self._is_bound(served) and options["report"].version != self.fixed_version:
            raise NotReady(f"{self._what()} is not served: version {options['report'].version} has taken its place")

    def _replaced(self, served: Served) -> bool:
        """Whether the call was refused because its model has just been taken out of service, and another answers."""
        try:
            return self._served() is not served
        except NotReady:
            return False

    def _served(self) -> Served:
        """Who answers now. NotReady."""
        table = self._entry.table
        number = self.fixed_version
        if self.label is not None:
            number = table.labels.get(self.label)
        elif number is None and table.default is not None:
            return table.default
        served = table.find(number) if number is not None else None
        if served is None:
            raise NotReady(f"{self._what()} is not served: {self._why(number)}")
        return served

    def _what(self) -> str:
        part = f" version {self.fixed_version}" if self.fixed_version is not None else ""
        return f"model {self.name!r}{part}" + (f" label {self.label!r}" if self.label is not None else "")

    def _why(self, number: int | None) -> str:
        entry = self._entry
        if entry.table.reason:
            return entry.table.reason
        if number is None:
            return entry.reason() if self.label is None else "it points to no version that is served"
        rows = {row.version: row.reason for row in entry.rows()}
        return rows.get(number) or "there is no such folder"

    # -- facts

    @property
    def name(self) -> str:
        return self._entry.name

    @property
    def current(self) -> Model:
        """The engine.Model that answers now. Hold the handle rather than this: it may be drained at any time. NotReady."""
        return self._served().model

    @property
    def version(self) -> int:
        """The number of the version that answers now. NotReady."""
        return self.current.version

    @property
    def digest(self) -> str:
        return self.current.digest

    @property
    def manifest(self) -> Manifest | None:
        return self.current.manifest

    @property
    def inputs(self) -> tuple[_core.TensorInfo, ...]:
        return self.current.inputs

    @property
    def outputs(self) -> tuple[_core.TensorInfo, ...]:
        return self.current.outputs

    @property
    def input_names(self) -> tuple[str, ...]:
        return self.current.input_names

    @property
    def output_names(self) -> tuple[str, ...]:
        return self.current.output_names

    @property
    def metadata(self) -> dict[str, str]:
        return self.current.metadata

    @property
    def memory(self) -> dict[str, int]:
        return self.current.memory

    @property
    def threads(self) -> int:
        return self.current.threads

    @property
    def ready(self) -> bool:
        """Whether a call would be taken now."""
        try:
            return self.current.ready
        except NotReady:
            return False

    @property
    def state(self) -> str:
        """As Model.state; "LOADING" or "FAILED" while no version answers."""
        try:
            return self.current.state
        except NotReady:
            return "LOADING" if self._entry.loader.loading else "FAILED"

    @property
    def reason(self) -> str:
        """Why no version answers; "" when one does."""
        try:
            return self.current.reason
        except NotReady as error:
            return str(error)

    def stats(self) -> dict[str, Any]:
        """Model.stats of the model that answers now."""
        return self.current.stats()

    def plan(self, feeds: dict[str, Any]) -> Any:
        return self.current.plan(feeds)

    def profile(self, feeds: dict[str, Any], *, timeout: float | None = None) -> tuple[dict[str, Any], str]:
        return self.current.profile(feeds, timeout=timeout)

    def wait_ready(self, timeout: float | None = None) -> None:
        """Block until calls are answered. NotReady when that takes longer than `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.ready:
            if end is not None and time.monotonic() >= end:
                raise NotReady(self.reason or f"{self._what()} is {self.state}")
            time.sleep(0.005)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            "a handle belongs to its repository and cannot be pickled; handle.current can: it is one version"
        )

    def __repr__(self) -> str:
        return f"<engine.ModelHandle {self._what()}: {self.state}>"


def handle_for(entry: Entry, version: int | str | None, label: str | None) -> ModelHandle:
    """UnknownModel when there is no such version or label; InvalidInput."""
    if version is not None and label is not None:
        raise InvalidInput("a version or a label, not both")
    table = entry.table
    if isinstance(version, str) and version.isascii() and version.isdecimal():
        version = int(version)
    if isinstance(version, str):
        raise UnknownModel(f"model {entry.name!r} has no version {version[:80]!r}: versions are numbers")
    if version is not None and version not in {*entry.found, *table.numbers()}:
        served = ", ".join(map(str, table.numbers())) or "none"
        raise UnknownModel(f"model {entry.name!r} has no version {version}; served: {served}")
    if label is not None and label not in table.labels and label not in entry.wanted_labels:
        raise UnknownModel(f"model {entry.name!r} has no label {label!r}; labels: {', '.join(table.labels) or 'none'}")
    return ModelHandle(entry, version, label)


def _less_time(options: dict[str, Any], began: float) -> dict[str, Any]:
    if options.get("timeout") is None:
        return options
    return {**options, "timeout": max(0.0, options["timeout"] - (time.monotonic() - began))}
