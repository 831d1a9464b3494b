"""The ASGI application: inference on a path of its own, everything else through Starlette."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.model import Model
from engine.serve.body import Message, Receive, Scope, Send
from engine.serve.headers import Headers
from engine.serve.infer import infer, route
from engine.serve.library import Library, library_of
from engine.serve.options import Options
from engine.serve.routes import application
from engine.serve.spans import Spans, spans_if_set_up
from engine.serve.state import State

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


class App:
    """An ASGI application: serve it, or mount it in another. state: what its requests share."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._routes = application(state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._routes(scope, receive, send)
            return
        state = self.state
        state.in_flight += 1
        try:
            if scope["method"] == "POST":
                root = scope.get("root_path", "")
                path = scope["path"]
                target = route(path[len(root) :] if root and path.startswith(root) else path)
                if target is not None:
                    await infer(state, scope, receive, send, *target)
                    return
            await self._routes(scope, receive, self._telling(scope, send))
        finally:
            state.in_flight -= 1

    def _telling(self, scope: Scope, send: Send) -> Send:
        """send, with the headers that every answer has, and counted."""
        headers = Headers(scope["headers"])

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.state.responses[message["status"]] += 1
                more = [(b"x-request-id", headers.request_id or self.state.new_request_id().encode())]
                if headers.traceparent is not None:
                    more.append((b"traceparent", headers.traceparent.encode()))
                if self.state.leaving:
                    more.append((b"connection", b"close"))
                message["headers"] = [*message.get("headers", []), *more]
            await send(message)

        return tell


def app(
    models: Mapping[str, Model] | Library,
    options: Options | None = None,
    tracer_provider: TracerProvider | None = None,
) -> App:
    """The Open Inference Protocol over these models, as an ASGI application.

    models: by name, or a repository (engine.watch). They stay the caller's: draining and closing them is too.
    tracer_provider: of OpenTelemetry; None: the program's, if it has set one up.
    """
    state = State(library_of(models), options or Options())
    state.spans = spans_if_set_up() if tracer_provider is None else Spans(tracer_provider)
    return App(state)
