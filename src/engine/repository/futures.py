"""Futures of handles' calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import _core
from engine.errors import EngineError
from engine.futures import CallFuture, delivery_mailbox
from engine.model import Model

if TYPE_CHECKING:
    from engine.repository.handle import ModelHandle
    from engine.repository.served import Target

_ARGUMENTS = ("timeout", "outputs", "request_id", "cancel", "priority")


class HandleFuture(CallFuture):
    """Tells the repository's version numbers."""

    def __init__(self, handle: ModelHandle, target: Target, report: Any) -> None:
        super().__init__()
        self._handle, self._target, self._report = handle, target, report

    def set_result(self, result: dict[str, Any]) -> None:
        try:
            result = self._handle._checked(self._target, result, {"report": self._report})
        except EngineError as error:
            super().set_exception(error)
        else:
            super().set_result(result)

    def set_exception(self, exception: BaseException | None) -> None:
        if isinstance(exception, EngineError):
            self._handle._tell(self._target, exception)
        super().set_exception(exception)


def start(model: Model, future: CallFuture, feeds: dict[str, Any], options: dict[str, Any]) -> None:
    unknown = set(options) - {*_ARGUMENTS, "report"}
    if unknown:
        raise TypeError(f"submit has no option {min(unknown)!r}")
    given = [options.get(name) for name in _ARGUMENTS]
    more = {"report": options["report"]} if "report" in options else {}
    future.pending = _core._start(model, delivery_mailbox(), future, feeds, *given, **more)
