"""Calls that no thread waits for: event loops of all kinds, and futures."""

import asyncio
import concurrent.futures
import gc
import os
import threading
import time
import weakref

import engine
import numpy as np
import pytest
from harness import one_node
from servicing import ENDLESS, PATIENCE, assert_idle, busy, counting, feeds, outcomes, wait_for_stats
from subprocesses import python, start

try:
    import uvloop
except ImportError:
    uvloop = None

needs_uvloop = pytest.mark.skipif(uvloop is None, reason="uvloop is not installed")
LOOPS = ["asyncio", pytest.param("uvloop", marks=needs_uvloop)]


def run_on(kind, main):
    loop = uvloop.new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(main(), PATIENCE))
    finally:
        loop.close()


@pytest.fixture
def model():
    with counting(max_queue=256) as loaded:
        yield loaded


async def stats_become(model, **wanted):
    while {key: model.stats()[key] for key in wanted} != wanted:
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("kind", LOOPS)
def test_answers(model, kind):
    async def main():
        first = await model.run_async(feeds(3), outputs=["y"], timeout=PATIENCE, priority="high")
        np.testing.assert_array_equal(first["y"], [3, 3, 3, 3])
        many = await asyncio.gather(*(model.run_async(feeds(i)) for i in range(200)))
        assert [answer["y"][0] for answer in many] == list(range(200))

    run_on(kind, main)
    assert_idle(model, ok=202)


@pytest.mark.parametrize("kind", LOOPS)
def test_wait_for_stops_the_compute(model, kind):
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(model.run_async(feeds(ENDLESS)), 0.02)
        answer = await model.run_async(feeds(2))
        assert answer["y"][0] == 2

    run_on(kind, main)
    assert_idle(model, ok=2, cancelled=1)


@pytest.mark.parametrize("kind", LOOPS)
def test_the_loop_is_not_blocked(model, kind):
    """While a call computes and another waits the loop goes round; it is the loop that ends them."""

    async def main():
        tasks = [asyncio.create_task(model.run_async(feeds(ENDLESS))) for _ in range(2)]
        await stats_become(model, running=1, queued=1)
        for _ in range(100):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(error, asyncio.CancelledError) for error in ended)

    run_on(kind, main)
    assert_idle(model, ok=1, cancelled=2)


@pytest.mark.parametrize("kind", LOOPS)
def test_errors(model, kind):
    async def main():
        with pytest.raises(engine.DeadlineExceeded) as caught:
            await model.run_async(feeds(ENDLESS), timeout=0.02, request_id="seven")
        assert caught.value.request_id == "seven"
        assert caught.value.computed > 0
        with pytest.raises(engine.InvalidInput):
            await model.run_async({"n": 1})
        with pytest.raises(engine.InvalidInput, match="outputs|nothing"):
            await model.run_async(feeds(1), outputs=["nothing"])
        token = engine.CancelToken()
        token.cancel()
        with pytest.raises(engine.Cancelled):
            await model.run_async(feeds(1), cancel=token)

    run_on(kind, main)
    assert_idle(model, ok=1, deadline_compute=1, invalid=2, cancelled=1)


def test_overloaded_and_deadline_in_the_queue():
    with counting(max_queue=1) as model:

        async def main():
            with busy(model):
                late = asyncio.create_task(model.run_async(feeds(1), timeout=0.05))
                await stats_become(model, queued=1)
                with pytest.raises(engine.Overloaded):
                    await model.run_async(feeds(1))
                with pytest.raises(engine.DeadlineExceeded, match="in the queue"):
                    await late

        run_on("asyncio", main)
        assert_idle(model, ok=1, overloaded=1, deadline_queue=1, cancelled=1)


@pytest.mark.parametrize("kind", LOOPS)
def test_loops_in_threads(model, kind):
    answers = []

    def work(start):
        async def main():
            got = await asyncio.gather(*(model.run_async(feeds(start + i)) for i in range(20)))
            answers.append([answer["y"][0] for answer in got] == list(range(start, start + 20)))

        run_on(kind, main)

    threads = [threading.Thread(target=work, args=(100 * t,)) for t in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 5
    assert_idle(model, ok=101)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", LOOPS)
def test_a_loop_that_goes_with_calls_under_way(model, kind):
    token = engine.CancelToken()
    loop = uvloop.new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()

    async def begin():
        tasks = [asyncio.ensure_future(model.run_async(feeds(ENDLESS), cancel=token)) for _ in range(3)]
        await stats_become(model, running=1, queued=2)
        return tasks

    tasks = loop.run_until_complete(begin())
    loop.close()
    del loop
    token.cancel()
    assert_idle(model, ok=1, cancelled=3)
    del tasks
    gc.collect()
    assert model.run(feeds(2))["y"][0] == 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", LOOPS)
def test_a_closed_loop_is_let_go_when_another_one_calls(model, kind):
    loop = uvloop.new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()
    gone = weakref.ref(loop)

    async def begin():
        task = asyncio.ensure_future(model.run_async(feeds(1 << 22)))
        await stats_become(model, running=1)
        return task

    loop.run_until_complete(begin())
    loop.close()
    del loop, begin
    wait_for_stats(model, running=0)

    async def call():
        assert (await model.run_async(feeds(2)))["y"][0] == 2

    run_on(kind, call)
    end = time.monotonic() + PATIENCE
    while gone() is not None:
        assert time.monotonic() < end
        gc.collect()
        time.sleep(0.001)


LEAVING = """
import asyncio, sys
import engine
from harness import one_node
from servicing import ENDLESS, counting, feeds

if sys.argv[1] == "uvloop":
    import uvloop as loops
else:
    import asyncio as loops
model = counting()
loop = loops.new_event_loop()

async def begin():
    tasks = [asyncio.ensure_future(model.run_async(feeds(ENDLESS))) for _ in range(4)]
    while not model.stats()["running"]:
        await asyncio.sleep(0.001)
    return tasks

tasks = loop.run_until_complete(begin())
if "closed" in sys.argv[2]:
    loop.close()
if "dropped" in sys.argv[2]:
    del tasks, loop
"""


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("how", ["left as it is", "closed", "closed and dropped"])
def test_an_exit_with_calls_under_way_says_nothing(kind, how):
    process = start(LEAVING, kind, how)
    try:
        assert process.communicate(timeout=PATIENCE) == ("", "")
    finally:
        process.kill()
    assert process.returncode == 0


def test_futures(model):
    futures = [model.submit(feeds(i)) for i in range(200)]
    assert [future.result()["y"][0] for future in futures] == list(range(200))
    done, _ = concurrent.futures.wait(futures)
    assert len(done) == 200
    assert_idle(model, ok=201)


def test_a_future_tells_its_listeners(model):
    heard = threading.Event()
    with busy(model):
        future = model.submit(feeds(1))
        future.add_done_callback(lambda _: heard.set())
        assert not future.done()
    assert heard.wait(PATIENCE)
    assert future.result()["y"][0] == 1


def test_cancelling_a_future_that_is_done(model):
    future = model.submit(feeds(1))
    future.result()
    assert not future.cancel()
    assert future.result()["y"][0] == 1
    assert_idle(model, ok=2)


def test_a_future_in_a_loop(model):
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(model.submit(feeds(ENDLESS))), 0.02)

    run_on("asyncio", main)
    assert_idle(model, ok=1, cancelled=1)


def test_one_token_stops_many(model):
    token = engine.CancelToken()
    futures = [model.submit(feeds(ENDLESS), cancel=token) for _ in range(100)]
    wait_for_stats(model, running=1, queued=99)
    token.cancel()
    assert all(isinstance(future.exception(), engine.Cancelled) for future in futures)
    assert_idle(model, ok=1, cancelled=100)


def test_inputs_stay_alive(model):
    """The arrays belong to nobody else while the call is in the queue."""
    with busy(model):
        futures = [model.submit({"n": np.array(1, np.int64), "x": np.full(1000, i, np.float32)}) for i in range(20)]
        gc.collect()
        noise = [np.full(1000, -1, np.float32) for _ in range(100)]
    for i, future in enumerate(futures):
        np.testing.assert_array_equal(future.result()["y"], np.full(1000, i + 1))
    assert len(noise) == 100


def test_no_threads_wait_for_queued_calls(model):
    with busy(model):
        before = threading.active_count()
        futures = [model.submit(feeds(1)) for _ in range(100)]
        assert model.stats()["queued"] == 100
        assert threading.active_count() <= before + 1
    assert all(future.result() for future in futures)
    assert outcomes(model)["ok"] == 101


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_the_thread_of_a_call_goes_on_with_the_next_in_the_queue():
    printed = python("""
import glob
from servicing import counting, feeds

with counting(max_queue=256) as model:
    first = model.submit(feeds(200_000))
    futures = [model.submit(feeds(i)) for i in range(100)]
    assert [f.result()["y"][0] for f in [first, *futures]] == [200_000, *range(100)]
    names = [open(path).read() for path in glob.glob("/proc/self/task/*/comm")]
    print(sum(name.startswith("engine:call") for name in names))
""")
    assert printed.split() == ["1"]


def test_a_call_inside_a_call_leaves_its_permit_to_another_thread():
    """What waits for the inner model does not wait for the end of the outer call, which may be waiting for it."""
    with counting() as inner:

        def ask(x):
            asked = []

            def queue_behind():
                wait_for_stats(inner, running=1)
                asked.append(inner.submit(feeds(5)))

            thread = threading.Thread(target=queue_behind)
            thread.start()
            inner.run(feeds(300_000))
            thread.join()
            assert asked[0].result(PATIENCE)["y"][0] == 5
            return x

        engine.register(ask, name="Ask", domain="test.handing")
        with engine.load(one_node("Ask", [np.zeros(3, np.float32)], opset=1, domain="test.handing"), threads=1, warmup=False) as outer:
            (answer,) = outer.submit({outer.inputs[0].name: np.ones(3, np.float32)}).result(PATIENCE).values()
        assert list(answer) == [1, 1, 1]
