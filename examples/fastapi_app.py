"""A FastAPI service on the model in digits/: deadlines, overload, readiness and liveness, a drain at the end.

    pip install fastapi uvicorn
    uvicorn --app-dir examples fastapi_app:app

    curl localhost:8000/predict -H 'content-type: application/json' -H 'x-timeout: 0.05' -d '{"images": [ 8 rows of 8 numbers ]}'

One process answers on all CPUs. SIGTERM: /ready says 503 at once, calls are taken for another ANNOUNCE_SECONDS (a balancer needs
that long to notice), then uvicorn closes its connections and the model is drained.
"""

import asyncio
import os
import pathlib
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import engine

MODEL = os.environ.get("MODEL", str(pathlib.Path(__file__).parent / "digits" / "digits.onnx"))
ANNOUNCE_SECONDS = float(os.environ.get("ANNOUNCE_SECONDS", "5"))
DRAIN_SECONDS = float(os.environ.get("DRAIN_SECONDS", "20"))
MAX_QUEUE = int(os.environ.get("MAX_QUEUE", "64"))


class Images(BaseModel):
    images: list[list[list[float]]]


class Answer(BaseModel):
    digits: list[int]
    version: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.leaving = False
    app.state.model = engine.load(MODEL, background=True, timeout=0.5, max_timeout=2.0, max_queue=MAX_QUEUE)
    if threading.current_thread() is threading.main_thread():
        announce_before_stopping(app)
    yield
    report = await asyncio.to_thread(app.state.model.drain, DRAIN_SECONDS)
    print(f"drained: {report}", flush=True)
    app.state.model.close()


def announce_before_stopping(app: FastAPI) -> None:
    """On SIGTERM: not ready from now on; the server's own handler follows later. A second SIGTERM goes straight to it."""
    loop = asyncio.get_running_loop()
    before: Callable[..., Any] | int | None = signal.getsignal(signal.SIGTERM)

    def handle(number: int, frame: Any) -> None:
        if app.state.leaving or not callable(before):
            signal.signal(number, before)
            signal.raise_signal(number)
        else:
            app.state.leaving = True
            loop.call_soon_threadsafe(loop.call_later, ANNOUNCE_SECONDS, before, number, frame)

    signal.signal(signal.SIGTERM, handle)


app = FastAPI(lifespan=lifespan)


@app.post("/predict")
async def predict(body: Images, request: Request, x_timeout: Annotated[float | None, Header()] = None) -> Answer:
    model = request.app.state.model
    images = np.array(body.images, np.float32)
    answer = await model.run_async({"image": images}, timeout=x_timeout, request_id=request.headers.get("x-request-id"))
    return Answer(digits=answer["scores"].argmax(axis=1).tolist(), version=model.version)


@app.get("/live")
async def live() -> dict[str, bool]:
    """The process can answer: true as long as it does, also while it loads, is overloaded or drains."""
    return {"live": True}


@app.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """Whether new calls should be sent here."""
    model, leaving = request.app.state.model, request.app.state.leaving
    yes = model.ready and not leaving
    return JSONResponse({"ready": yes, "state": model.state, "reason": model.reason}, 200 if yes else 503)


@app.get("/stats")
async def stats(request: Request) -> dict[str, Any]:
    counters: dict[str, Any] = request.app.state.model.stats()
    return counters


def problem(status: int, error: Exception, **headers: str) -> JSONResponse:
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status, headers)


@app.exception_handler(engine.Overloaded)
async def overloaded(_: Request, error: engine.Overloaded) -> JSONResponse:
    """Retry-After is in whole seconds; the exact figure goes beside it."""
    seconds = max(1, round(error.retry_after))
    return problem(503, error, **{"Retry-After": str(seconds), "X-Retry-After-Ms": f"{error.retry_after * 1e3:.0f}"})


@app.exception_handler(engine.DeadlineExceeded)
async def too_late(_: Request, error: engine.DeadlineExceeded) -> JSONResponse:
    return problem(504, error)


@app.exception_handler(engine.InvalidInput)
@app.exception_handler(ValueError)
async def invalid(_: Request, error: ValueError) -> JSONResponse:
    return problem(400, error)


@app.exception_handler(engine.NotReady)
@app.exception_handler(engine.Draining)
async def not_ready(_: Request, error: engine.EngineError) -> JSONResponse:
    return problem(503, error, **{"Retry-After": "1"})
