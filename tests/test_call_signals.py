"""Signal handlers of the program run during a call on the main thread, and may end it."""

import signal

import pytest
from subprocesses import python

INTERRUPTED = """
import os, signal, sys, threading
import engine
from servicing import *
where, way = sys.argv[1:]
model = counting(max_queue=4)
expected = KeyboardInterrupt if way == "interrupt" else ZeroDivisionError
# As in a shell's foreground: a process that is started in the background ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler if way == "interrupt" else lambda *_: 1 / 0)
token = engine.CancelToken()
other = Call(model, feeds(ENDLESS), cancel=token) if where == "queue" else None
if other:
    wait_for_stats(model, running=1)

def send():
    wait_for_stats(model, **({"queued": 1} if other else {"running": 1}))
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=send, daemon=True).start()
try:
    model.run(feeds(ENDLESS), timeout=PATIENCE)
except expected:
    print("stopped")
token.cancel()
if other:
    other.ended()
assert_idle(model, ok=1, cancelled=2 if other else 1)
assert model.run(feeds(2))["y"][0] == 2
print("idle")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")
@pytest.mark.parametrize("where", ["queue", "compute"])
@pytest.mark.parametrize("way", ["interrupt", "handler"])
def test_a_signal_on_the_main_thread(where, way):
    assert python(INTERRUPTED, where, way).split() == ["stopped", "idle"]
