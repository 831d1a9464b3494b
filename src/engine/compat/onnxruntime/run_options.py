"""RunOptions: what stops calls, and other settings of theirs."""

from __future__ import annotations

from typing import Any

from engine._core import CancelToken
from engine.compat.onnxruntime.errors import not_supported
from engine.compat.onnxruntime.settings import Setting, Settings


class RunOptions(Settings):
    """Settings of calls. terminate = True stops every call that was given these options, in the middle of a kernel too, and
    refuses further ones, until it is False again.

    A configuration entry of the engine's own, ignored elsewhere: engine.timeout, seconds for waiting and computing together;
    engine.DeadlineExceeded is raised when they are over.
    """

    __slots__ = ("_timeout", "_token")

    log_severity_level = Setting(-1, "No effect.")
    log_verbosity_level = Setting(0, "No effect.")
    logid = Setting("", "Goes into the errors of calls.")
    only_execute_path_to_fetches = Setting(False, "No effect.")

    def __init__(self) -> None:
        super().__init__()
        self._token = CancelToken()
        self._timeout: float | None = None

    @property
    def terminate(self) -> bool:
        cancelled: bool = self._token.cancelled
        return cancelled

    @terminate.setter
    def terminate(self, stop: bool) -> None:
        if stop:
            self._token.cancel()
        elif self._token.cancelled:
            self._token = CancelToken()

    def add_run_config_entry(self, key: str, value: str) -> None:
        self._add_entry(key, value)
        self._timeout = self._number("engine.timeout")

    def get_run_config_entry(self, key: str) -> str:
        return self._entry(key)

    def add_active_adapter(self, adapter: object) -> None:
        raise not_supported("LoRA adapters are not applied")

    def _call_arguments(self) -> dict[str, Any]:
        """For engine.Model.run."""
        return {"cancel": self._token, "timeout": self._timeout, "request_id": self.logid or None}
