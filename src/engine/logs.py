"""Logging: the request that calls are made for, a JSON formatter, and a filter against floods.

Everything that the engine tells goes to the logger "engine" (docs/logs.md). No logger is configured here or elsewhere.

>>> import logging, engine.logs
>>> handler = logging.StreamHandler()
>>> handler.setFormatter(engine.logs.JsonFormatter())
>>> logging.getLogger("engine").addHandler(handler)
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from engine import events

__all__ = ["AtMost", "JsonFormatter", "current_request", "parse_traceparent", "request"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@contextlib.contextmanager
def request(request_id: str | None = None, traceparent: str | None = None) -> Iterator[events.Request]:
    """Calls made within, in this thread or task, belong to this request: their errors and log records carry both.

    traceparent: the W3C header; one that is not well-formed is ignored.
    """
    if traceparent is not None and parse_traceparent(traceparent) is None:
        traceparent = None
    made = events.Request(request_id, traceparent)
    token = events.request.set(made)
    try:
        yield made
    finally:
        events.request.reset(token)


def current_request() -> events.Request:
    """The request that calls made now would belong to; both its fields are None where there is none."""
    return events.request.get() or events.Request()


def parse_traceparent(header: str) -> tuple[str, str, bool] | None:
    """(trace id, span id, sampled) of a W3C traceparent; None when the specification says to ignore it."""
    found = _TRACEPARENT.fullmatch(header)
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return trace_id, span_id, bool(int(flags, 16) & 1)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, then the record's extra fields that are not None.

    A traceparent is told as trace_id and span_id. Records of other loggers get the request that they were made in.
    """

    def format(self, record: logging.LogRecord) -> str:
        made = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": made.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(_fields(record))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    current = current_request()
    fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    fields.setdefault("request_id", current.request_id)
    traceparent = fields.pop("traceparent", current.traceparent)
    found = parse_traceparent(traceparent) if traceparent else None
    if found is not None:
        fields.setdefault("trace_id", found[0])
        fields.setdefault("span_id", found[1])
    return {key: value for key, value in fields.items() if value is not None}


class AtMost(logging.Filter):
    """Lets at most `per_second` records of each event below ERROR through, for a handler or a logger.

    The first that passes after others were kept back says in its field `suppressed` how many those were.
    """

    def __init__(self, per_second: float) -> None:
        super().__init__()
        self._every = 1.0 / per_second
        self._burst = max(1.0, per_second)
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, float, int]] = {}  # event -> (tokens, when, suppressed)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            return True
        event = str(getattr(record, "event", record.name))
        with self._lock:
            now = time.monotonic()
            tokens, when, suppressed = self._seen.get(event, (self._burst, now, 0))
            tokens = min(self._burst, tokens + (now - when) / self._every)
            passes = tokens >= 1.0
            self._seen[event] = (tokens - 1.0, now, 0) if passes else (tokens, now, suppressed + 1)
        if passes and suppressed:
            record.suppressed = suppressed
        return passes
