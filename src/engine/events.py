"""What happens to models, told to the logger "engine". Costs next to nothing while nobody listens; logging is not imported here."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from engine import errors

if TYPE_CHECKING:
    import logging

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40


class Request(NamedTuple):
    """On whose behalf calls are made; engine.logs.request sets it."""

    request_id: str | None = None
    traceparent: str | None = None


request: ContextVar[Request | None] = ContextVar("engine.request", default=None)


class CallReport:
    """What became of a call, for who gives one to run(report=): seconds in the queue and computing, and the version it ran on."""

    __slots__ = ("computed", "version", "waited")

    def __init__(self) -> None:
        self.waited = 0.0
        self.computed = 0.0
        self.version = 0


_EVENTS: dict[type, tuple[str, str]] = {
    errors.InvalidInput: ("call_refused", "invalid"),
    errors.Overloaded: ("call_refused", "overloaded"),
    errors.Draining: ("call_refused", "draining"),
    errors.NotReady: ("call_refused", "not_ready"),
    errors.DeadlineExceeded: ("call_late", "deadline"),
    errors.Cancelled: ("call_cancelled", "cancelled"),
    errors.MemoryLimitExceeded: ("call_failed", "memory"),
}

_logger: logging.Logger | None = None


def logger() -> logging.Logger | None:
    """None when the program never imported logging: then nobody can listen."""
    global _logger
    if _logger is None and "logging" in sys.modules:
        import logging

        made = logging.getLogger("engine")
        made.addHandler(logging.NullHandler())
        _logger = made
    return _logger


def emit(level: int, event: str, message: str, **fields: Any) -> None:
    """One record; `fields` and `event` become its attributes, and those of the request that is being served."""
    to = _logger or logger()
    if to is None or not to.isEnabledFor(level):
        return
    current = request.get()
    if current is not None:
        fields.setdefault("request_id", current.request_id)
        fields.setdefault("traceparent", current.traceparent)
    to.log(level, message, extra={"event": event, **fields})


def loaded(event: str, model: Any, version: int, seconds: float) -> None:
    """event: "load" or "reload"."""
    origin = model._origin(version)
    source = getattr(origin, "source", None)
    emit(
        INFO,
        event,
        f"model {model.name!r}: version {version} is in service, after {seconds:.3f} s",
        model=model.name,
        version=version,
        digest=getattr(origin, "digest", None),
        path=source if isinstance(source, str) else None,
        seconds=seconds,
    )


def load_failed(event: str, name: str, error: BaseException) -> None:
    """event: "load" or "reload"."""
    what = f"model {name!r}: {event} failed: {type(error).__name__}: {error}"
    emit(ERROR, f"{event}_failed", what, model=name, error=type(error).__name__)


def rolled_back(name: str, version: int) -> None:
    emit(WARNING, "rollback", f"model {name!r}: back to version {version}", model=name, version=version)


def call_failed(model: Any, error: errors.EngineError) -> None:
    """A call has ended with `error`, which knows whose call it was."""
    to = _logger or logger()
    if to is None:
        return
    event, outcome = _EVENTS.get(type(error), ("call_failed", "error"))
    level = ERROR if event == "call_failed" else INFO
    if not to.isEnabledFor(level):
        return
    fields = {
        "event": event,
        "outcome": outcome,
        "model": getattr(model, "name", None),
        "version": error.version or None,
        "error": type(error).__name__,
        "waited": error.waited,
        "computed": error.computed,
        "node": error.node,
        "request_id": error.request_id,
        "traceparent": error.traceparent,
    }
    if isinstance(error, errors.Overloaded):
        fields["retry_after"] = error.retry_after
    to.log(level, "model %r: %s", fields["model"], error, extra=fields)
