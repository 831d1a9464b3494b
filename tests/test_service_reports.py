"""What refusals, drains and failed loads report."""

import pathlib
import threading
import time

import engine
import numpy as np
import pytest

DIGITS = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits" / "digits.onnx"
IMAGES = np.zeros((20_000, 8, 8), np.float32)


def busy(model, calls):
    """Threads that are in a call each, and what became of those."""
    ended = []

    def call():
        try:
            model(IMAGES)
            ended.append("ok")
        except engine.EngineError as error:
            ended.append(type(error).__name__)

    threads = [threading.Thread(target=call) for _ in range(calls)]
    for thread in threads:
        thread.start()
    while (stats := model.stats())["running"] + stats["queued"] < calls:
        time.sleep(0.001)
    return threads, ended


def test_retry_after():
    model = engine.load(DIGITS, threads=1, max_concurrency=1, max_queue=0)
    with pytest.raises(engine.EngineError):
        model.run({"image": IMAGES}, timeout=1e-9)
    model(IMAGES)
    model(IMAGES)
    threads, _ = busy(model, 1)
    with pytest.raises(engine.Overloaded) as refused:
        model(IMAGES)
    assert 0 < refused.value.retry_after < 60
    with pytest.raises(engine.Overloaded) as refused:
        model.submit({"image": IMAGES}).result(timeout=60)
    assert 0 < refused.value.retry_after < 60
    for thread in threads:
        thread.join()


def test_the_call_that_makes_a_plan_tells_nothing_of_the_next():
    """Planning and fresh memory are no part of what calls are expected to take."""
    model = engine.load(DIGITS, threads=1, max_concurrency=1, max_queue=0)
    model(IMAGES)
    threads, _ = busy(model, 1)
    with pytest.raises(engine.Overloaded) as refused:
        model(IMAGES)
    assert refused.value.retry_after == 0
    for thread in threads:
        thread.join()


def test_a_drain_counts_each_call_once():
    model = engine.load(DIGITS, threads=1, max_concurrency=1)
    threads, ended = busy(model, 4)
    report = model.drain(timeout=0)
    for thread in threads:
        thread.join()
    assert report.cancelled == ended.count("Cancelled") + ended.count("Draining")
    assert (report.finished + report.cancelled, report.refused) == (4, 0)


def test_a_failed_load_counts_once():
    model = engine.load(b"no model", background=True)
    with pytest.raises(engine.InvalidModel):
        model.wait_ready(30)
    assert model.stats()["events"]["loads_failed"] == 1
    model = engine.load(DIGITS)
    for arguments in [{"source": b"no model"}, {"source": DIGITS, "sha256": "00"}, {"source": DIGITS, "checks": lambda _: False}]:
        with pytest.raises(engine.EngineError):
            model.reload(**arguments)
    assert model.stats()["events"] == {"loads_ok": 1, "loads_failed": 3, "rollbacks": 0}
