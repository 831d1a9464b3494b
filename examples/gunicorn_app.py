"""A WSGI application for gunicorn's prefork workers, on the model in digits/.

    pip install gunicorn
    gunicorn --chdir examples -c examples/gunicorn_conf.py gunicorn_app:app

    curl localhost:8000/predict --data-binary @image.bin    # 64 bytes a picture: 8 rows of 8 pixels, 0 to 16

gunicorn_conf.py sets preload_app: this module, and with it the model, is loaded once, before the workers are forked, which share
its memory. Each worker has its own queue and counters.
"""

import json
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import engine

WORKERS = int(os.environ.get("WORKERS", "2"))
MODEL = os.environ.get("MODEL", str(pathlib.Path(__file__).parent / "digits" / "digits.onnx"))

model = engine.load(MODEL, threads=1, max_concurrency=max(1, engine.cpus() // WORKERS), max_queue=16, timeout=0.5)

STATUS = {
    engine.InvalidInput: "400 Bad Request",
    engine.Overloaded: "503 Service Unavailable",
    engine.Draining: "503 Service Unavailable",
    engine.NotReady: "503 Service Unavailable",
    engine.DeadlineExceeded: "504 Gateway Timeout",
}


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    routes = {"/predict": predict, "/live": live, "/ready": ready, "/stats": stats}
    status, headers, body = "404 Not Found", {}, {"error": "no such path"}
    if environ["PATH_INFO"] in routes:
        try:
            status, body = routes[environ["PATH_INFO"]](environ)
        except engine.EngineError as error:
            status = STATUS.get(type(error), "500 Internal Server Error")
            body = {"error": f"{type(error).__name__}: {error}"}
            if status.startswith("503"):
                headers["Retry-After"] = str(max(1, round(getattr(error, "retry_after", 0.0))))
    data = json.dumps(body).encode()
    headers |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
    start_response(status, list(headers.items()))
    return [data]


def predict(environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if not data or len(data) % 64:
        return "400 Bad Request", {"error": f"{len(data)} bytes; 64 a picture are wanted"}
    images = np.frombuffer(data, np.uint8).reshape(-1, 8, 8).astype(np.float32)
    scores = model.run({"image": images}, request_id=environ.get("HTTP_X_REQUEST_ID"))["scores"]
    return "200 OK", {"digits": scores.argmax(axis=1).tolist(), "worker": os.getpid()}


def live(_: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "200 OK", {"live": True}


def ready(_: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "200 OK" if model.ready else "503 Service Unavailable", {"ready": model.ready, "state": model.state}


def stats(_: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "200 OK", {"worker": os.getpid(), **model.stats()}
