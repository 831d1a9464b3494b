"""A model's life: loading, ready, draining, closed, failed; and the end of the process."""

import threading

import engine
import numpy as np
import pytest
from servicing import ENDLESS, Call, assert_idle, constant_model, counting, counting_model, feeds, ones, wait_for_stats, wait_until
from subprocesses import python


def test_background(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(constant_model(1))
    model = engine.load(path, background=True, threads=1)
    assert model.state in ("LOADING", "READY")
    model.wait_ready()
    assert (model.state, model.ready, model.reason) == ("READY", True, "")
    assert model.run(ones())["y"][0, 0].round(3) == 1


def test_failed_in_the_background():
    model = engine.load(b"nonsense", background=True)
    with pytest.raises(engine.InvalidModel):
        model.wait_ready()
    assert (model.state, model.ready) == ("FAILED", False)
    assert model.reason
    assert model.stats()["events"]["loads_failed"] == 1
    with pytest.raises(engine.NotReady, match="could not be loaded"):
        model.run({})
    with pytest.raises(engine.NotReady):
        model.reload(constant_model(1))
    assert_idle(model, not_ready=1)
    model.close()
    assert model.state == "CLOSED"


def test_wait_ready_gives_up():
    model = engine.load(constant_model(1), threads=1)
    model.wait_ready(0)
    model.close()
    with pytest.raises(engine.NotReady, match="CLOSED"):
        model.wait_ready(0)
    with pytest.raises(engine.InvalidInput):
        model.wait_ready(-1)


def test_drained_while_loading():
    """However the two meet, in the end no call is taken, and nobody is told otherwise."""
    for _ in range(5):
        model = engine.load(constant_model(1, n=256), background=True, threads=1)
        model.drain(0)
        with pytest.raises(engine.EngineError):
            model.wait_ready()
        assert (model.state, model.ready) == ("DRAINING", False)
        with pytest.raises(engine.Draining):
            model.run(ones(256))
        model.close()


def test_warmup_shapes():
    shapes = [{"n": (), "x": (5,)}, {"n": (), "x": (9,)}]
    model = engine.load(counting_model(), warmup=shapes, threads=1)
    assert model.ready
    assert model.run(feeds(2, 5))["y"].tolist() == [2] * 5
    for wrong in ([{"z": (1,)}], [{"x": (1, 1)}], [{"y": (1,)}]):
        with pytest.raises(engine.InvalidInput):
            engine.load(counting_model(), warmup=wrong, threads=1)
    with pytest.raises(engine.InvalidInput, match="list of dicts"):
        engine.load(counting_model(), warmup={"x": (1,)})
    assert engine.load(counting_model(), warmup=False, threads=1).ready


@pytest.mark.parametrize(
    "options",
    [{"max_concurrency": 0}, {"max_queue": -1}, {"timeout": -1}, {"max_timeout": float("nan")}, {"keep_versions": 33}],
)
def test_bad_options(options):
    with pytest.raises(engine.InvalidInput):
        engine.load(constant_model(1), **options)


def test_drain_lets_calls_finish():
    model = counting(max_concurrency=2, max_queue=8)
    calls = [Call(model, feeds(3000)) for _ in range(6)]
    wait_until(lambda: model.stats()["started"] == 7)
    report = model.drain(60)
    ended = [call.ended() for call in calls]
    answered = sum(call.answer is not None for call in ended)
    assert all(isinstance(call.error, engine.Draining) for call in ended if call.answer is None)
    assert report.cancelled == 0
    assert report.finished <= answered
    assert model.state == "DRAINING"
    assert_idle(model)


def test_drain_stops_what_is_left():
    model = counting(max_concurrency=2, max_queue=8)
    calls = [Call(model, feeds(ENDLESS)) for _ in range(5)]
    wait_for_stats(model, running=2, queued=3)
    reports = []
    drain = threading.Thread(target=lambda: reports.append(model.drain(0.2)))
    drain.start()
    wait_until(lambda: model.state == "DRAINING")
    for _ in range(4):
        with pytest.raises(engine.Draining):
            model.run(feeds(1))
    drain.join()
    errors = [call.ended().error for call in calls]
    assert sum(isinstance(error, engine.Cancelled) for error in errors) == 2
    assert sum(isinstance(error, engine.Draining) for error in errors) == 3
    assert (reports[0].finished, reports[0].cancelled) == (0, 5)
    assert reports[0].refused >= 4
    assert_idle(model, ok=1, cancelled=2, draining=7)
    assert model.drain(0).finished == 0


def test_drain_all():
    models = [engine.load(counting_model(), name="twin", threads=1) for _ in range(2)]
    call = Call(models[0], feeds(ENDLESS))
    wait_for_stats(models[0], running=1)
    for other in engine.model.open_models():
        if other not in models:
            other.close()
    reports = engine.drain_all(0)
    assert sorted(reports) == ["twin", "twin#2"]
    assert sorted(report.cancelled for report in reports.values()) == [0, 1]
    assert isinstance(call.ended().error, engine.Cancelled)
    assert [model.state for model in models] == ["DRAINING", "DRAINING"]


def test_close():
    with counting() as model:
        assert model.ready
    assert (model.state, model.ready) == ("CLOSED", False)
    model.close()
    assert "CLOSED" in repr(model)
    for use in (lambda: model.run(feeds(1)), lambda: model.submit(feeds(1)), lambda: model.version, lambda: model.inputs):
        with pytest.raises(engine.NotReady):
            use()


def test_concurrent_closing():
    model = counting(max_concurrency=2)
    calls = [Call(model, feeds(ENDLESS)) for _ in range(2)]
    wait_for_stats(model, running=2)
    closers = [threading.Thread(target=model.close) for _ in range(4)]
    for thread in closers:
        thread.start()
    for thread in closers:
        thread.join()
    assert all(isinstance(call.ended().error, engine.Cancelled) for call in calls)
    assert_idle(model, ok=1, cancelled=2)


def test_a_failed_reload_leaves_it_ready():
    model = engine.load(constant_model(1), threads=1)
    with pytest.raises(engine.InvalidModel):
        model.reload(b"nonsense")
    assert (model.state, model.ready, model.reason) == ("READY", True, "")
    np.testing.assert_allclose(model.run(ones())["y"], 1, rtol=1e-3)


PRELUDE = """
import os, signal, sys, threading, time
import engine
from servicing import *
def kill(number):
    os.kill(os.getpid(), number)
"""

ON_SIGTERM = """
model = counting(max_concurrency=2)
before = []
signal.signal(signal.SIGTERM, lambda *_: before.append(model.state))
engine.install_signal_handlers(timeout=0)
calls = [Call(model, feeds(ENDLESS)) for _ in range(2)]
wait_for_stats(model, running=2)
kill(signal.SIGTERM)
for call in calls:
    assert isinstance(call.ended().error, engine.Cancelled)
assert before == ["DRAINING"], before
assert_idle(model, ok=1, cancelled=2)
kill(signal.SIGTERM)
assert len(before) == 2
print("good")
"""

ON_SIGINT = """
model = counting()
signal.signal(signal.SIGINT, signal.default_int_handler)
put_back = engine.install_signal_handlers(timeout=0)
call = Call(model, feeds(ENDLESS))
wait_for_stats(model, running=1)
try:
    kill(signal.SIGINT)
    time.sleep(PATIENCE)
except KeyboardInterrupt:
    assert isinstance(call.ended().error, engine.Cancelled)
    put_back()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    print("good")
"""

CLOSED_IN_A_CALL_OF_ITS_OWN = """
model = counting()
signal.signal(signal.SIGTERM, lambda *_: model.close())
threading.Thread(target=lambda: (wait_for_stats(model, running=1), kill(signal.SIGTERM)), daemon=True).start()
try:
    model.run(feeds(ENDLESS))
except engine.Cancelled:
    assert_idle(model, ok=1, cancelled=1)
    assert model.state == "CLOSED"
    print("good")
"""

WAITING_FOR_A_LOAD = """
signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
model = engine.Model("never", engine.load(constant_model(1))._options)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    model.wait_ready()
except ZeroDivisionError:
    print("good")
"""

AT_EXIT = """
model = counting(max_concurrency=2, max_queue=4)
calls = [Call(model, feeds(ENDLESS)) for _ in range(2)]
wait_for_stats(model, running=2)
future = model.submit(feeds(ENDLESS))
print("good")
"""

# The thread that publishes comes back for the GIL when the interpreter is gone, which ends it where it is.
AT_EXIT_WHILE_PUBLISHING = """
publishing = threading.Event()
model = engine.load(constant_model(1))
engine.Model._place_of_counts = lambda model, version: (publishing.set(), time.sleep(0.3), 0)[-1]
class Slow:
    def flush(self):
        time.sleep(1)
threading.Thread(target=model.reload, args=(constant_model(2),), daemon=True).start()
publishing.wait()
print("good", flush=True)
sys.stderr = Slow()
"""


@pytest.mark.parametrize(
    "program",
    ["ON_SIGTERM", "ON_SIGINT", "CLOSED_IN_A_CALL_OF_ITS_OWN", "WAITING_FOR_A_LOAD", "AT_EXIT", "AT_EXIT_WHILE_PUBLISHING"],
)
def test_the_process(program):
    assert python(PRELUDE + globals()[program]) == "good\n"


def test_sigterm_ends_a_process_that_has_no_handler():
    program = PRELUDE + "engine.install_signal_handlers(timeout=0)\nmodel = counting()\nkill(signal.SIGTERM)\ntime.sleep(PATIENCE)\n"
    assert python(program, status=-15) == ""
