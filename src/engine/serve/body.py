"""A request's body: read up to a limit, decompressed up to the same limit."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from engine.serve.errors import BadRequest, HTTPProblem
from engine.serve.headers import number_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_CLOSE = ((b"connection", b"close"),)
_OFF_LOOP = 1 << 16


class ClientGone(Exception):
    """The client closed the connection."""


async def read(receive: Receive, length: bytes | None, limit: int) -> bytes:
    """length: the header Content-Length."""
    if length is not None and length.isdigit() and ((told := number_of(length)) is None or told > limit):
        raise _too_large(limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
    return b"".join(parts)


async def decompressed(body: bytes, encoding: bytes, limit: int) -> bytes:
    """encoding: the header Content-Encoding."""
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return body
    if name not in (b"gzip", b"x-gzip", b"deflate"):
        raise HTTPProblem(415, f"Content-Encoding is {encoding.decode('latin-1')!r}; gzip and deflate are supported")
    bits = 15 if name == b"deflate" else 31
    if len(body) < _OFF_LOOP:
        return _inflate(body, bits, limit)
    return await asyncio.to_thread(_inflate, body, bits, limit)


def _inflate(body: bytes, bits: int, limit: int) -> bytes:
    stream = zlib.decompressobj(bits)
    try:
        out = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadRequest(f"the body cannot be decompressed: {error}") from None
    if len(out) > limit:
        raise _too_large(limit)
    if not stream.eof:
        raise BadRequest("the compressed body is not complete")
    return out


def _too_large(limit: int) -> HTTPProblem:
    return HTTPProblem(413, f"the body is larger than {limit} bytes", _CLOSE)
