"""Futures of calls that asked for one version of a model that may be swapped meanwhile."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from engine.errors import NotReady

if TYPE_CHECKING:
    from engine.repository.handle import ModelHandle
    from engine.repository.served import Served


class BoundFuture(Future[dict[str, Any]]):
    """What `of` gets, unless its version was swapped away during the call. cancel() stops the compute."""

    def __init__(self, handle: ModelHandle, served: Served, of: Future[dict[str, Any]]) -> None:
        super().__init__()
        self._handle, self._served, self._of = handle, served, of
        of.add_done_callback(self._settle)

    def cancel(self) -> bool:
        cancelled = super().cancel()
        self._of.cancel()
        return cancelled

    def _settle(self, of: Future[dict[str, Any]]) -> None:
        if not self.set_running_or_notify_cancel():
            return
        error = of.exception()
        if error is None:
            try:
                self._handle.check(self._served)
            except NotReady as gone:
                error = gone
        if error is not None:
            self.set_exception(error)
        else:
            self.set_result(of.result())
