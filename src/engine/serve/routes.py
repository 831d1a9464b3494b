"""Everything but inference: health, metadata, the repository, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import engine
from engine.serve import body as bodies
from engine.serve.datatypes import of_name
from engine.serve.errors import HTTPProblem, problem
from engine.serve.fastjson import dumps, loads
from engine.serve.infer import model_of
from engine.serve.state import State

EXTENSIONS = ("binary_tensor_data", "model_repository", "parameters", "schedule_policy")
Endpoint = Callable[[State, Request], Awaitable[Response]]


def application(state: State) -> Starlette:
    """The routes, and errors of every kind as JSON."""

    def route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
        async def answer(request: Request) -> Response:
            try:
                return await endpoint(state, request)
            except bodies.ClientGone:
                return Response(status_code=499)
            except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
                return _problem(state, error)

        return Route(path, answer, methods=[method], name=endpoint.__name__)

    model = "/v2/models/{name}"
    version = model + "/versions/{version}"
    routes = [
        route("/v2", _server),
        route("/v2/", _server),
        route("/v2/health/live", _live),
        route("/v2/health/ready", _ready),
        route(model, _model),
        route(version, _model),
        route(model + "/ready", _model_ready),
        route(version + "/ready", _model_ready),
        route(model + "/infer", _infer, "POST"),
        route(version + "/infer", _infer, "POST"),
        route("/v2/repository/index", _index, "POST"),
        route(model.replace("/models", "/repository/models") + "/load", _load, "POST"),
        route(model.replace("/models", "/repository/models") + "/unload", _unload, "POST"),
        route("/metrics", _metrics),
    ]

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = tuple((key.encode(), value.encode()) for key, value in (error.headers or {}).items())
        text = {404: f"no such route: {request.url.path}", 405: f"{request.method} is not for {request.url.path}"}
        return _problem(state, HTTPProblem(error.status_code, text.get(error.status_code, error.detail), headers))

    return Starlette(routes=routes, exception_handlers={HTTPException: http_error})


def _json(document: Any, status: int = 200) -> Response:
    return Response(dumps(document), status, media_type="application/json")


def _problem(state: State, error: Exception) -> Response:
    status, body, headers = problem(error, state.options.overloaded_status)
    if status == 500:
        engine.events.emit(engine.events.ERROR, "request_failed", f"{type(error).__name__}: {error}")
    return Response(body, status, {name.decode(): value.decode() for name, value in headers})


async def _server(state: State, request: Request) -> Response:
    return _json({"name": "engine", "version": engine.__version__, "extensions": EXTENSIONS})


async def _live(state: State, request: Request) -> Response:
    return _json({"live": True})


async def _ready(state: State, request: Request) -> Response:
    ready = state.ready
    if ready:
        return _json({"ready": True})
    not_ready = [
        f"{name}: {model_state}" for name, _, model_state, _ in state.library.index() if model_state != "READY"
    ]
    reason = "the server is leaving" if state.leaving else "; ".join(not_ready) or "not ready"
    return _json({"ready": False, "error": reason}, 503)


async def _model(state: State, request: Request) -> Response:
    name, model = _asked(state, request)
    if not model.ready:
        raise engine.NotReady(f"model {name!r} is {model.state}{': ' + model.reason if model.reason else ''}")
    return _json(
        {
            "name": name,
            "versions": _versions(state, name) or [str(model.version)],
            "platform": "onnx_onnxv1",
            "inputs": [_tensor(info) for info in model.inputs],
            "outputs": [_tensor(info) for info in model.outputs],
        }
    )


async def _model_ready(state: State, request: Request) -> Response:
    name, model = _asked(state, request)
    ready = model.ready and not state.leaving
    return _json({"name": name, "ready": ready}, 200 if ready else 503)


async def _infer(state: State, request: Request) -> Response:
    """Reached by no POST: those are answered before."""
    raise HTTPProblem(404, f"no such route: {request.url.path}")


async def _index(state: State, request: Request) -> Response:
    only_ready = (await _document(state, request)).get("ready") is True
    return _json(
        [
            {"name": name, "version": str(version), "state": model_state, "reason": reason or ""}
            for name, version, model_state, reason in state.library.index()
            if model_state == "READY" or not only_ready
        ]
    )


async def _load(state: State, request: Request) -> Response:
    parameters = (await _document(state, request)).get("parameters") or {}
    if not isinstance(parameters, dict):
        raise HTTPProblem(400, "'parameters' is not an object")
    if any(key == "config" or key.startswith("file:") for key in parameters):
        raise NotImplementedError(
            "models are loaded from the repository; a request cannot bring files or a configuration"
        )
    await _controlled(state, state.library.load, request.path_params["name"])
    return _json({})


async def _unload(state: State, request: Request) -> Response:
    await _controlled(state, state.library.unload, request.path_params["name"])
    return _json({})


async def _controlled(state: State, action: Callable[[str], Any], name: str) -> None:
    if not state.options.repository_control:
        raise HTTPProblem(403, "loading and unloading over HTTP is turned off")
    try:
        await asyncio.to_thread(action, name)
    except LookupError as error:
        raise HTTPProblem(404, str(error.args[0]) if error.args else f"unknown model {name!r}") from None


async def _metrics(state: State, request: Request) -> Response:
    try:
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder
    except ImportError:
        raise HTTPProblem(501, "/metrics wants the package prometheus_client (engine[metrics])") from None
    registry = CollectorRegistry()
    registry.register(state.collector())
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    text = await asyncio.to_thread(encode, registry)
    return Response(text, headers={"content-type": content_type})


async def _document(state: State, request: Request) -> dict[str, Any]:
    length = request.headers.get("content-length")
    body = await bodies.read(
        request.receive, None if length is None else length.encode("latin-1"), state.options.max_body
    )
    if not body.strip():
        return {}
    try:
        document = loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPProblem(400, f"the request is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise HTTPProblem(400, "the request is not a JSON object")
    return document


def _asked(state: State, request: Request) -> tuple[str, Any]:
    name: str = request.path_params["name"]
    return name, model_of(state, name, request.path_params.get("version"))


def _versions(state: State, name: str) -> list[str]:
    return [
        str(version)
        for known, version, model_state, _ in state.library.index()
        if known == name and model_state == "READY"
    ]


def _tensor(info: Any) -> dict[str, Any]:
    """What is no tensor travels as texts of JSON."""
    shape = [-1] if info.shape is None else [dim if isinstance(dim, int) else -1 for dim in info.shape]
    return {"name": info.name, "datatype": of_name(info.dtype) or "BYTES", "shape": shape}
