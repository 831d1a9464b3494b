"""Signals that drain while the main thread is in a call of its own: that call is in flight like any other."""

import signal

import pytest
from subprocesses import python

PRELUDE = """
import os, signal, threading, time
import engine
from servicing import *
seen = []
def chained(number, frame):
    seen.append((model.state, model.stats()["in_flight"]))
def kill(number=signal.SIGTERM):
    os.kill(os.getpid(), number)
def when(then=kill, **stats):
    threading.Thread(target=lambda: (wait_for_stats(model, **stats), then()), daemon=True).start()
model = counting(max_queue=4)
signal.signal(signal.SIGTERM, chained)
"""

STOPPED = """
engine.install_signal_handlers(timeout=0.05)
when(running=1)
try:
    model.run(feeds(ENDLESS))
except engine.Cancelled as error:
    assert "shut down" in str(error)
    assert seen == [("DRAINING", 0)], seen
    assert_idle(model, ok=1, cancelled=1)
    print("good")
"""

# The call ends by itself, after new ones were refused and before the handler is called.
FINISHED = """
engine.install_signal_handlers(timeout=PATIENCE)
token = engine.CancelToken()

def after_the_signal():
    kill()
    wait_until(lambda: model.state == "DRAINING")
    try:
        model.run(feeds(1))
    except engine.Draining:
        assert not seen
        token.cancel()

when(after_the_signal, running=1)
try:
    model.run(feeds(ENDLESS), cancel=token)
except engine.Cancelled:
    assert seen == [("DRAINING", 0)], seen
    assert_idle(model, ok=1, cancelled=1, draining=1)
    print("good")
"""

IN_THE_QUEUE = """
engine.install_signal_handlers(timeout=0.05)
other = Call(model, feeds(ENDLESS))
wait_for_stats(model, running=1)
when(running=1, queued=1)
try:
    model.run(feeds(ENDLESS))
except (engine.Draining, engine.Cancelled):
    assert isinstance(other.ended().error, engine.Cancelled)
    assert [state for state, _ in seen] == ["DRAINING"], seen
    assert_idle(model)
    print("good")
"""

# A drain in a handler of the program's own, on the thread whose call waits: it cannot wait for that one.
A_HANDLER_OF_ITS_OWN = """
reports = []
signal.signal(signal.SIGTERM, lambda *_: reports.append(model.drain(0.05)))
other = Call(model, feeds(ENDLESS))
wait_for_stats(model, running=1)
when(running=1, queued=1)
try:
    model.run(feeds(ENDLESS))
except (engine.Draining, engine.Cancelled):
    assert isinstance(other.ended().error, engine.Cancelled)
    assert (reports[0].finished, reports[0].cancelled) == (0, 1), reports
    assert_idle(model)
    print("good")
"""

# Who repeats the signal does not wait for the drain.
IMPATIENT = """
signal.signal(signal.SIGINT, signal.default_int_handler)
engine.install_signal_handlers(timeout=PATIENCE)

def twice():
    kill(signal.SIGINT)
    wait_until(lambda: model.state == "DRAINING")
    kill(signal.SIGINT)

when(twice, running=1)
began = time.monotonic()
try:
    model.run(feeds(ENDLESS))
except KeyboardInterrupt:
    assert time.monotonic() - began < PATIENCE / 2
    assert_idle(model, ok=1, cancelled=1)
    print("good")
"""

# Two kinds of signal, the second of which stops the call.
TWO_KINDS = """
engine.install_signal_handlers((signal.SIGTERM,), timeout=PATIENCE)
signal.signal(signal.SIGINT, signal.default_int_handler)

def both():
    kill()
    wait_until(lambda: model.state == "DRAINING")
    kill(signal.SIGINT)

when(both, running=1)
try:
    model.run(feeds(ENDLESS))
except KeyboardInterrupt:
    assert seen == [("DRAINING", 0)], seen
    assert_idle(model, ok=1, cancelled=1)
    print("good")
"""

ENDS = """
signal.signal(signal.SIGTERM, signal.SIG_DFL)
engine.install_signal_handlers(timeout=0.05)
when(running=1)
print("started", flush=True)
model.run(feeds(ENDLESS))
print("never")
"""

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")


@pytest.mark.parametrize(
    "program", ["STOPPED", "FINISHED", "IN_THE_QUEUE", "A_HANDLER_OF_ITS_OWN", "IMPATIENT", "TWO_KINDS"]
)
def test_the_main_thread_in_a_call(program):
    assert python(PRELUDE + globals()[program]) == "good\n"


def test_the_process_ends_when_its_call_has():
    assert python(PRELUDE + ENDS, status=-15) == "started\n"
