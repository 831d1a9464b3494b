"""Celery tasks on the model in digits/, with prefork workers. The broker and the results are files in a folder, so that nothing else has to run.

    pip install celery
    celery --workdir examples -A celery_app worker --concurrency 2 &
    python -c "import sys; sys.path.insert(0, 'examples'); import celery_app; print(celery_app.ask())"

Each process of the pool loads the model when it starts. A call that cannot be answered in time is tried again later.
"""

import os
import pathlib
import tempfile
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutting_down

FOLDER = pathlib.Path(os.environ.get("CELERY_FOLDER", os.path.join(tempfile.gettempdir(), "digits-celery")))
DIGITS = pathlib.Path(__file__).parent / "digits"

for part in ("messages", "control", "results"):
    (FOLDER / part).mkdir(parents=True, exist_ok=True)
app = Celery("digits", broker=os.environ.get("CELERY_BROKER", "filesystem://"), backend=(FOLDER / "results").as_uri())
app.conf.broker_transport_options = {
    "data_folder_in": str(FOLDER / "messages"),
    "data_folder_out": str(FOLDER / "messages"),
    "control_folder": str(FOLDER / "control"),
}
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = 1

model: Any = None


@worker_process_init.connect
def open_model(**_: Any) -> None:
    """In each process of the pool, before its first task."""
    global model
    import engine

    model = engine.load(DIGITS / "digits.onnx", threads=1, max_concurrency=1, timeout=0.5)


@worker_process_shutdown.connect
def close_model(**_: Any) -> None:
    """In each process of the pool, after its last task."""
    print(f"process {os.getpid()}: {model.drain(timeout=1)}", flush=True)
    model.close()


@worker_shutting_down.connect
def drain(**_: Any) -> None:
    """In the parent, on SIGTERM: there is a model here only with a pool of threads, or none."""
    if model is not None:
        model.drain(timeout=10)


@app.task(bind=True, max_retries=5)
def classify(self: Any, images: list[list[list[float]]]) -> dict[str, Any]:
    import engine

    if model is None:
        open_model()
    try:
        scores = model.run({"image": images}, request_id=self.request.id)["scores"]
    except (engine.Overloaded, engine.Draining, engine.DeadlineExceeded) as error:
        raise self.retry(exc=error, countdown=max(0.1, getattr(error, "retry_after", 0.0))) from error
    return {"digits": scores.argmax(axis=1).tolist(), "process": os.getpid()}


def ask() -> dict[str, Any]:
    """The caller's side: sends a picture, waits for the digit."""
    import numpy as np

    image = np.load(DIGITS / "sample.npy")
    answer: dict[str, Any] = classify.delay([image.tolist()]).get(timeout=30)
    return answer
