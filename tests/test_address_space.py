"""A process whose address space is used up: every operation ends in its answer or in a MemoryError, and afterwards all is well."""

import sys

import pytest
from subprocesses import python

PRELUDE = """
import asyncio, ctypes, gc, resource, sys, threading
import engine
import numpy as np
from servicing import *

SIDE = 1024
ONE, TWO = constant_model(1, SIDE, 64), constant_model(2, SIDE, 64)
INPUTS = ones(SIDE, 64)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
hoard, hoarded = (ctypes.c_void_p * 2_000_000)(), 0

def size():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[0]) * resource.getpagesize()

def limit(room):
    resource.setrlimit(resource.RLIMIT_AS, (size() + room, resource.RLIM_INFINITY))

def take_all():
    # What the allocator still has of its own, down to small blocks.
    global hoarded
    for block in (1 << 20, 1 << 16, 1 << 12, 512, 128, 40):
        while hoarded < len(hoard) and (memory := libc.malloc(block)):
            hoard[hoarded] = memory
            hoarded += 1

def lift():
    global hoarded
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for i in range(hoarded):
        libc.free(hoard[i])
    hoarded = 0
    gc.collect()
"""

OPERATIONS = """
model = engine.load(ONE, threads=2, max_concurrency=2, keep_versions=1)
counter = engine.load(counting_model(), threads=1)
counter.run(feeds(1))
loop = asyncio.new_event_loop()
other_shape = {"x": np.zeros(100_000, np.float32), "n": np.array(2, np.int64)}

class OfThread:
    # A thread that has not met the engine before the limit is there.
    def __init__(self, function):
        self.gate, self.error = threading.Event(), None
        self.thread = threading.Thread(target=self.run, args=(function,), daemon=True)
        self.thread.start()
    def run(self, function):
        self.gate.wait()
        try:
            function()
        except BaseException as error:
            self.error = error
    def __call__(self):
        self.gate.set()
        self.thread.join()
        if self.error:
            raise self.error

def submit():
    future = model.submit(INPUTS)
    late.append(future)
    try:
        future.result(0.2)
    except TimeoutError:
        pass

def load_in_the_background():
    loading.append(engine.load(ONE, threads=1, background=True))

async def run_async():
    return await model.run_async(INPUTS, timeout=PATIENCE)

def operations():
    yield "run", lambda: model.run(INPUTS)
    yield "run with a deadline", lambda: model.run(INPUTS, timeout=PATIENCE)
    yield "run of another shape", lambda: counter.run(other_shape)
    yield "run on a thread", OfThread(lambda: model.run(INPUTS))
    yield "an input that is converted", lambda: counter.run({"n": 1, "x": [0.0] * 10_000})
    yield "submit", submit
    yield "run_async", lambda: loop.run_until_complete(run_async())
    yield "load", lambda: engine.load(ONE, threads=1).close()
    yield "load in the background", load_in_the_background
    yield "reload", lambda: model.reload(TWO)
    yield "reload on a thread", OfThread(lambda: model.reload(ONE))
    yield "rollback", lambda: model.rollback()
    yield "stats", lambda: model.stats()

late, loading, refused = [], [], {}
for room in (64, 32, 16, 8, 4, 2, 1, 0, None, None):
    for name, operation in operations():
        try:
            if room is None:
                limit(1 << 20)
                take_all()
            else:
                limit(room << 20)
            operation()
        except MemoryError:
            refused[name] = refused.get(name, 0) + 1
        except engine.NotReady:
            assert name == "rollback", name
        finally:
            lift()
        answer = model.run(INPUTS)["y"]
        assert answer.min() == answer.max() and answer[0, 0].round(3) in (1, 2), name
        assert counter.run(feeds(2))["y"][0] == 2
        while loading:
            try:
                loading[-1].wait_ready(PATIENCE)
            except MemoryError:
                refused[name] = refused.get(name, 0) + 1
            loading.pop().close()
for future in late:
    assert isinstance(future.exception(PATIENCE), (type(None), MemoryError)), future.exception()
for each in (model, counter):
    assert_idle(each)
    each.drain(PATIENCE)
    each.close()
print(sorted(refused), model.stats()["outcomes"], file=sys.stderr)
for name in ("run", "load", "reload", "run of another shape"):
    assert refused.get(name), (name, refused)
assert model.stats()["outcomes"]["memory"] + counter.stats()["outcomes"]["memory"] > 0
assert model.stats()["outcomes"]["error"] == 0
print("good")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_every_operation():
    assert python(PRELUDE + OPERATIONS) == "good\n"
