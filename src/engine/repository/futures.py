"""Futures of calls that asked for one version of a model that may be swapped meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from engine.errors import NotReady


class BoundFuture(Future[dict[str, Any]]):
    """What `of` gets, unless check() raises NotReady then. cancel() stops the compute."""

    def __init__(self, of: Future[dict[str, Any]], check: Callable[[], None]) -> None:
        super().__init__()
        self._of, self._check = of, check
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
                self._check()
            except NotReady as gone:
                error = gone
        if error is not None:
            self.set_exception(error)
        else:
            self.set_result(of.result())
