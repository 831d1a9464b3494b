"""An ASGI application behind a handler that gets a request and returns a response, as Serve's do."""

from __future__ import annotations

from typing import Any

# Serve's header for how long its proxy waits; the engine's for the deadline of the call.
PROXY_TIMEOUT = b"x-request-timeout-seconds"
DEADLINE = b"x-timeout"


async def answered(app: Any, request: Any) -> Any:
    """Starlette's Response with what the application sends. The time that Serve's proxy waits is the call's deadline."""
    from starlette.responses import Response

    status = 500
    headers: list[tuple[bytes, bytes]] = []
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message.get("headers", ()))
        else:
            parts.append(bytes(message.get("body", b"")))

    await app(_with_deadline(request.scope), request.receive, send)
    response = Response(b"".join(parts), status_code=status)
    response.raw_headers = headers
    return response


def _with_deadline(scope: Any) -> Any:
    found = dict(scope["headers"])
    if DEADLINE in found or PROXY_TIMEOUT not in found:
        return scope
    return {**scope, "headers": [*scope["headers"], (DEADLINE, found[PROXY_TIMEOUT])]}
