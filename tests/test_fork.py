"""A child of fork() answers, with counters of its own, whatever its parent was doing; the parent goes on."""

import sys

import pytest
from subprocesses import python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fork")

PRELUDE = """
import asyncio, multiprocessing, os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import engine
import numpy as np
from servicing import *

def child(work):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return pid

def ended_well(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

def answers(model, k=4):
    assert model.run(feeds(2, k))["y"][0] == 2
    assert model.submit(feeds(3, k)).result(PATIENCE)["y"][0] == 3
    async def main():
        got = await asyncio.gather(*(model.run_async(feeds(i, k)) for i in range(5)))
        assert [g["y"][0] for g in got] == list(range(5))
    asyncio.run(main())
"""

IN_FLIGHT = """
model = counting(max_queue=8)
token = engine.CancelToken()
running = Call(model, feeds(ENDLESS), cancel=token)
wait_for_stats(model, running=1)
queued = Call(model, feeds(1), cancel=token), model.submit(feeds(1), cancel=token), model.submit(feeds(1), timeout=PATIENCE)
wait_for_stats(model, queued=3)

def work():
    stats = model.stats()
    assert [stats[key] for key in ("started", "in_flight", "running", "queued")] == [0, 0, 0, 0], stats
    assert sum(stats["outcomes"].values()) == 0
    assert stats["events"]["loads_ok"] == 1
    answers(model)
    answers(model, 7)
    token.cancel()
    queued[1].cancel()
    assert_idle(model, ok=14)
    for _ in range(20):
        try:
            model.run(feeds(ENDLESS), timeout=0.001)
        except engine.DeadlineExceeded:
            pass
    model.reload(counting_model(3.0))
    assert model.run(feeds(2))["y"][0] == 6
    assert model.drain(1).cancelled == 0
    model.close()

for pid in [child(work) for _ in range(3)]:
    ended_well(pid)
token.cancel()
running.ended(), queued[0].ended()
assert queued[2].result()["y"][0] == 1
answers(model)
assert_idle(model)
print("good")
"""

PREFORK = """
model = counting(max_queue=64, max_concurrency=2)
answers(model)
for pid in [child(lambda: (answers(model), answers(model, 9), model.drain(1))) for _ in range(4)]:
    ended_well(pid)
answers(model)
print("good")
"""

POOL = """
model = counting(max_queue=64)

def work(i):
    return model.run(feeds(i))["y"][0] + model.submit(feeds(i)).result()["y"][0]

with multiprocessing.get_context("fork").Pool(3) as pool:
    assert pool.map(work, range(40)) == [2 * i for i in range(40)]
assert work(3) == 6
print("good")
"""

DURING_RELOAD = """
model = engine.load(constant_model(1), threads=1)
stop = threading.Event()

def reload():
    value = 1
    while not stop.is_set():
        value = value % 5 + 1
        model.reload(constant_model(value))

def work():
    y = model.run(ones())["y"].round(3)
    assert len(np.unique(y)) == 1 and 1 <= y[0, 0] <= 5
    model.reload(constant_model(7))
    assert model.run(ones())["y"][0, 0].round(3) == 7
    model.rollback()
    model.close()

thread = threading.Thread(target=reload)
thread.start()
for _ in range(25):
    ended_well(child(work))
stop.set()
thread.join()
print("good")
"""

WHILE_LOADING = """
model = counting()
stop = threading.Event()
def load():
    while not stop.is_set():
        engine.load(constant_model(1), threads=1, background=True)
thread = threading.Thread(target=load)
thread.start()
late = []

def work():
    one = engine.load(constant_model(2), background=True, threads=1)
    one.wait_ready(PATIENCE)
    answers(model)
    for other in late:
        try:
            other.wait_ready()
        except engine.NotReady as error:
            assert "forked" in str(error)

for _ in range(10):
    late[:] = [engine.load(constant_model(3, n=256), threads=1, background=True)]
    ended_well(child(work))
    late[0].wait_ready()
stop.set()
thread.join()
print("good")
"""

IN_A_CALL = """
import signal
model = counting()
pids = []

def handler(*_):
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        raise ZeroDivisionError
    pids.append(pid)
    raise ZeroDivisionError

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    model.run(feeds(ENDLESS))
except ZeroDivisionError:
    pass
if not pids:
    stats = model.stats()
    good = [stats[key] for key in ("started", "in_flight", "running", "queued")] == [0, 0, 0, 0]
    answers(model)
    model.reload(counting_model(2.0))
    model.close()
    os._exit(0 if good else 1)
ended_well(pids[0])
answers(model)
assert_idle(model)
print("good")
"""


@pytest.mark.parametrize("program", ["IN_FLIGHT", "PREFORK", "POOL", "DURING_RELOAD", "WHILE_LOADING", "IN_A_CALL"])
def test_fork(program):
    assert python(PRELUDE + globals()[program]) == "good\n"

