"""POST /v2/models/NAME[/versions/VERSION]/infer: the path that every call takes, in plain ASGI."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import engine
from engine import events
from engine.serve import body as bodies
from engine.serve.body import ClientGone, Receive, Scope, Send
from engine.serve.errors import Header, HTTPProblem, problem
from engine.serve.headers import Headers, number_of, usable
from engine.serve.protocol import Part, Request, decode, encode
from engine.serve.state import State

JOIN_BELOW = 1 << 16


def route(path: str) -> tuple[str, str | None] | None:
    """The model and version that a path asks to infer with; None for another path."""
    parts = path.split("/")
    if len(parts) == 5 and parts[1:3] == ["v2", "models"] and parts[4] == "infer":
        return parts[3], None
    if len(parts) == 7 and parts[1:3] == ["v2", "models"] and parts[4] == "versions" and parts[6] == "infer":
        return parts[3], parts[5]
    return None


async def infer(state: State, scope: Scope, receive: Receive, send: Send, name: str, version: str | None) -> None:
    """Answers one request, whatever becomes of it."""
    headers = Headers(scope["headers"])
    request_id, traceparent = headers.request_id.decode() if headers.request_id else None, headers.traceparent
    report, model, span, failure = engine.CallReport(), None, None, None
    parts: list[Part]
    try:
        model = model_of(state, name, version)
        request = decode(await _body(state, receive, headers), headers.json_length, model)
        mine = request.id if usable(request.id) else request_id or state.new_request_id()
        request_id, request.timeout = mine, headers.deadline(request.timeout)
        if state.spans is not None:
            span = state.spans.begin(name, mine, traceparent)
            traceparent = span.traceparent
        token = events.request.set(events.Request(mine, traceparent))
        try:
            answer = await _call(state, model, request, mine, receive, report)
        finally:
            events.request.reset(token)
        parts, json_length = encode(name, report.version or model.version, answer, request)
        status, told = 200, _JSON if json_length is None else _binary(json_length)
    except ClientGone:
        status, parts, told = 499, [], []
    except asyncio.CancelledError as error:
        if span is not None:
            span.end(model, report, 499, error)
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
        failure = error
        status, text, told = problem(error, state.options.overloaded_status)
        parts = [text]
        if status == 500:
            events.emit(
                events.ERROR, "request_failed", f"{type(error).__name__}: {error}", model=name, request_id=request_id
            )
    state.responses[status] += 1
    if span is not None:
        span.end(model, report, status, failure)
    if parts:
        await _answer(state, send, status, parts, told, request_id, traceparent)


_JSON: list[Header] = [(b"content-type", b"application/json")]


def _binary(json_length: int) -> list[Header]:
    return [(b"content-type", b"application/octet-stream"), (b"inference-header-content-length", b"%d" % json_length)]


async def _body(state: State, receive: Receive, headers: Headers) -> bytes:
    limit = state.options.max_body
    body = await bodies.read(receive, headers.content_length, limit)
    if headers.content_encoding is not None:
        body = await bodies.decompressed(body, headers.content_encoding, limit)
    return body


def model_of(state: State, name: str, version: str | None) -> Any:
    try:
        if version is None:
            return state.library.model(name)
        number = number_of(version)
        if number is not None:
            return state.library.model(name, version=number)
    except LookupError as error:
        raise HTTPProblem(404, str(error.args[0]) if error.args else f"unknown model {name!r}") from None
    raise HTTPProblem(404, f"model {name!r} has no version {version[:40]!r}")


async def _call(
    state: State, model: Any, request: Request, request_id: str, receive: Receive, report: engine.CallReport
) -> dict[str, Any]:
    at_once = getattr(model, "_run_if_short", None)
    if at_once is not None:
        short: dict[str, Any] | None = at_once(
            request.feeds, state.options.short_call, request.timeout, request.outputs, request_id, report
        )
        if short is not None:
            return short
    token = engine.CancelToken()
    watch = asyncio.ensure_future(_cancel_when_gone(receive, token))
    try:
        answer: dict[str, Any] = await model.run_async(
            request.feeds,
            timeout=request.timeout,
            outputs=request.outputs,
            request_id=request_id,
            cancel=token,
            priority=request.priority,
            report=report,
        )
        return answer
    except engine.Cancelled:
        if token.cancelled:
            raise ClientGone from None
        raise
    finally:
        watch.cancel()


async def _cancel_when_gone(receive: Receive, token: engine.CancelToken) -> None:
    """A connection that cannot be listened to is as good as closed."""
    with contextlib.suppress(Exception):
        while (await receive())["type"] != "http.disconnect":
            pass
    token.cancel()


async def _answer(
    state: State,
    send: Send,
    status: int,
    parts: list[Part],
    headers: list[Header],
    request_id: str | None,
    traceparent: str | None,
) -> None:
    size = sum(map(len, parts))
    headers = [*headers, (b"content-length", b"%d" % size)]
    if request_id is not None:
        headers.append((b"x-request-id", request_id.encode()))
    if traceparent is not None:
        headers.append((b"traceparent", traceparent.encode()))
    if state.leaving:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if len(parts) > 1 and size < JOIN_BELOW:
        parts = [b"".join(parts)]
    for part in parts[:-1]:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": parts[-1]})
