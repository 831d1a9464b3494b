"""No way out of a call keeps a permit or a counter: answers, refusals, cancellations, draining, closing."""

import asyncio
import threading

import engine
import numpy as np
import pytest
from servicing import ENDLESS, Call, assert_idle, busy, counting, feeds, wait_for_stats, wait_until


@pytest.fixture
def model():
    with counting(max_queue=4) as loaded:
        assert_idle(loaded, ok=1)
        yield loaded


def test_answered(model):
    np.testing.assert_array_equal(model.run(feeds(3))["y"], [3, 3, 3, 3])
    assert_idle(model, ok=2)


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        ({}, {}),
        ({"n": 1}, {}),
        (feeds(1) | {"z": 1}, {}),
        ({"n": np.float32(1), "x": np.zeros(4, np.float32)}, {}),
        ({"n": 1, "x": np.zeros((2, 2), np.float32)}, {}),
        ({"n": 1, "x": object()}, {}),
        (feeds(1), {"outputs": ["nothing"]}),
        (feeds(1), {"priority": "highest"}),
        (feeds(1), {"timeout": -1}),
        (feeds(1), {"cancel": 3}),
        (feeds(1), {"timeout": "soon"}),
    ],
)
def test_invalid(model, inputs, options):
    errors = engine.InvalidInput, TypeError, ValueError
    with pytest.raises(errors):
        model.run(inputs, **options)
    with pytest.raises(errors):
        model.submit(inputs, **options).result()
    assert_idle(model, ok=1, invalid=2)


def test_an_input_that_raises(model):
    class Bad:
        def __array__(self, *args, **kwargs):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.run({"n": 1, "x": Bad()})
    assert_idle(model, ok=1, invalid=1)


@pytest.mark.parametrize("way", ["run", "submit"])
def test_cancelled_in_the_queue(model, way):
    token = engine.CancelToken()
    with busy(model):
        if way == "run":
            call = Call(model, feeds(1), cancel=token)
            wait_for_stats(model, queued=1)
            token.cancel()
            error = call.ended().error
        else:
            future = model.submit(feeds(1), cancel=token)
            assert model.stats()["queued"] == 1
            token.cancel()
            error = future.exception()
        assert isinstance(error, engine.Cancelled)
        assert "in the queue" in str(error)
        assert model.stats()["queued"] == 0
    assert_idle(model, ok=1, cancelled=2)


@pytest.mark.parametrize("way", ["run", "submit"])
def test_cancelled_in_compute(model, way):
    token = engine.CancelToken()
    if way == "run":
        call = Call(model, feeds(ENDLESS), cancel=token)
        wait_for_stats(model, running=1)
        token.cancel()
        error = call.ended().error
    else:
        future = model.submit(feeds(ENDLESS), cancel=token)
        token.cancel()
        error = future.exception()
    assert isinstance(error, engine.Cancelled)
    assert_idle(model, ok=1, cancelled=1)


@pytest.mark.parametrize("way", ["run", "submit"])
def test_cancelled_before(model, way):
    token = engine.CancelToken()
    token.cancel()
    with pytest.raises(engine.Cancelled):
        model.run(feeds(ENDLESS), cancel=token) if way == "run" else model.submit(feeds(ENDLESS), cancel=token).result()
    assert_idle(model, ok=1, cancelled=1)


def test_future_cancelled(model):
    computing = model.submit(feeds(ENDLESS))
    wait_for_stats(model, running=1)
    queued = model.submit(feeds(1))
    assert queued.cancel()
    wait_for_stats(model, queued=0)
    assert computing.cancel()
    assert_idle(model, ok=1, cancelled=2)


def test_task_cancelled(model):
    async def main():
        computing = asyncio.create_task(model.run_async(feeds(ENDLESS)))
        queued = asyncio.create_task(model.run_async(feeds(1)))
        while model.stats()["queued"] != 1:
            await asyncio.sleep(0.001)
        for task in (queued, computing):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        while model.stats()["in_flight"]:
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert_idle(model, ok=1, cancelled=2)


def test_memory_limit():
    from harness import one_node

    shape = np.array([4, 4], np.int64)
    model = engine.load(one_node("ConstantOfShape", [shape]), memory_limit=1 << 20, warmup=False)
    for _ in range(3):
        with pytest.raises(engine.MemoryLimitExceeded):
            model(np.array([1 << 20, 1 << 20], np.int64))
    assert_idle(model, memory=3)


@pytest.mark.parametrize("way", ["run", "submit"])
def test_memory_that_the_inputs_need(model, way):
    class Large:
        def __array__(self, *args, **kwargs):
            raise MemoryError("no room for a copy")

    with pytest.raises(MemoryError):
        getattr(model, way)({"n": 1, "x": Large()})
    assert_idle(model, ok=1, memory=1)


def test_drained_and_closed(model):
    computing, waiting = Call(model, feeds(ENDLESS)), None
    wait_for_stats(model, running=1)
    waiting = Call(model, feeds(1))
    wait_for_stats(model, queued=1)
    report = model.drain(0)
    assert isinstance(computing.ended().error, engine.Cancelled)
    assert isinstance(waiting.ended().error, engine.Draining)
    assert (report.finished, report.cancelled) == (0, 2)
    with pytest.raises(engine.Draining):
        model.run(feeds(1))
    with pytest.raises(engine.Draining):
        model.submit(feeds(1))
    assert_idle(model, ok=1, cancelled=1, draining=3)
    model.close()
    with pytest.raises(engine.NotReady):
        model.run(feeds(1))
    assert_idle(model, ok=1, cancelled=1, draining=3, not_ready=1)


def test_closed_in_the_middle(model):
    computing = Call(model, feeds(ENDLESS))
    wait_for_stats(model, running=1)
    waiting = Call(model, feeds(1))
    wait_for_stats(model, queued=1)
    model.close()
    assert isinstance(computing.ended().error, engine.Cancelled)
    assert isinstance(waiting.ended().error, engine.NotReady)
    assert_idle(model, ok=1, cancelled=1, not_ready=1)


def test_shapes_that_do_not_fit_are_found_with_the_permit():
    from harness import one_node

    square = np.ones((3, 3), np.float32)
    model = engine.load(one_node("MatMul", [square, square]), max_concurrency=1)
    for _ in range(3):
        with pytest.raises(engine.InvalidInput):
            model(square, np.ones((4, 4), np.float32))
    assert_idle(model, invalid=3)


def test_nothing_leaks_under_contention(model):
    """Calls of every kind at once; whatever becomes of each, the sums are right."""
    gate = threading.Barrier(8)

    def caller(seed):
        gate.wait()
        for i in range(30):
            kind = (seed + i) % 6
            token = engine.CancelToken()
            try:
                if kind == 0:
                    model.run(feeds(20))
                elif kind == 1:
                    model.run(feeds(ENDLESS), timeout=0.001)
                elif kind == 2:
                    future = model.submit(feeds(ENDLESS), cancel=token)
                    token.cancel()
                    future.result()
                elif kind == 3:
                    model.submit(feeds(ENDLESS)).cancel()
                elif kind == 4:
                    model.run({"n": 1})
                else:
                    model.submit(feeds(20), priority="high").result()
            except engine.EngineError:
                pass

    threads = [threading.Thread(target=caller, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: model.stats()["in_flight"] == 0)
    assert model.stats()["started"] == 1 + 8 * 30
    assert_idle(model)
    assert model.run(feeds(2))["y"][0] == 2
