"""Errors on their way to clients: a status code, a sentence, headers."""

from __future__ import annotations

import math

import engine
from engine.serve.fastjson import dumps

Header = tuple[bytes, bytes]


class HTTPProblem(Exception):
    """An answer that is no success, with the server's own words."""

    def __init__(self, status: int, message: str, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class BadRequest(HTTPProblem):
    def __init__(self, message: str) -> None:
        super().__init__(400, message)


_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (engine.InvalidInput, 400),
    (engine.DeadlineExceeded, 504),
    (engine.Draining, 503),
    (engine.NotReady, 503),
    (engine.Cancelled, 503),
    (engine.UnsupportedOperator, 501),
    (engine.InvalidModel, 400),
    (engine.DigestMismatch, 400),
    (engine.CheckFailed, 400),
    (engine.FileNotFound, 404),
    (NotImplementedError, 501),
)


def status_of(error: BaseException, overloaded: int) -> int:
    """overloaded: the status of a call that was refused for overload."""
    if isinstance(error, HTTPProblem):
        return error.status
    if isinstance(error, engine.Overloaded):
        return overloaded
    return next((code for kind, code in _CODES if isinstance(error, kind)), 500)


def problem(error: BaseException, overloaded: int) -> tuple[int, bytes, list[Header]]:
    """Status, body and headers of the answer that tells of it."""
    status = status_of(error, overloaded)
    message = str(error)
    if status == 500 and not isinstance(error, engine.EngineError):
        message = f"internal error: {type(error).__name__}"
    headers: list[Header] = [(b"content-type", b"application/json")]
    if isinstance(error, HTTPProblem):
        headers.extend(error.headers)
    if isinstance(error, engine.Overloaded):
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after))))
        headers.append((b"x-retry-after-ms", b"%d" % math.ceil(error.retry_after * 1e3)))
    elif status == 503:
        headers.append((b"retry-after", b"1"))
    return status, dumps({"error": message}), headers
