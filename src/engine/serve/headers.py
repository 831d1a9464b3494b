"""The headers of a request that mean something here."""

from __future__ import annotations

import re
from typing import TypeGuard

from engine.logs import parse_traceparent
from engine.serve.errors import BadRequest

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")


def usable(request_id: str | None) -> TypeGuard[str]:
    """Whether it may go into headers and logs."""
    return request_id is not None and _REQUEST_ID.fullmatch(request_id.encode("utf-8", "replace")) is not None


def number_of(digits: bytes | str) -> int | None:
    """A number from outside; None when it is none, or has more digits than any that could be meant."""
    return int(digits) if len(digits) <= 18 and digits.isascii() and digits.isdigit() else None


class Headers:
    """Values as they came; None where there was none. request_id: only one of at most 128 printable characters counts."""

    __slots__ = ("content_encoding", "content_length", "json_length", "request_id", "timeout", "traceparent")

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self.content_length: bytes | None = None
        self.content_encoding: bytes | None = None
        self.json_length: bytes | None = None
        self.request_id: bytes | None = None
        self.timeout: bytes | None = None
        self.traceparent: str | None = None
        for name, value in pairs:
            if name == b"content-length":
                self.content_length = value
            elif name == b"inference-header-content-length":
                self.json_length = value
            elif name == b"x-request-id":
                self.request_id = value if _REQUEST_ID.fullmatch(value) else None
            elif name == b"x-timeout":
                self.timeout = value
            elif name == b"content-encoding":
                self.content_encoding = value
            elif name == b"traceparent":
                text = value.decode("latin-1")
                self.traceparent = text if parse_traceparent(text) else None

    def deadline(self, also: float | None) -> float | None:
        """Seconds: the smaller of the header X-Timeout and `also`."""
        if self.timeout is None:
            return also
        try:
            seconds = float(self.timeout)
        except ValueError:
            seconds = -1.0
        if not seconds >= 0:
            raise BadRequest(f"X-Timeout is {self.timeout.decode('latin-1')!r}; seconds, at least 0, are wanted")
        return seconds if also is None else min(seconds, also)
