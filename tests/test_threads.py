"""Calls from many threads at once, of one model and of several; the same bits whatever the number of threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import engine
import numpy as np
import pytest
from harness import one_node

RNG = np.random.default_rng(0)
WEIGHTS = RNG.standard_normal((96, 130)).astype(np.float32)


def product(threads):
    return engine.load(one_node("MatMul", [WEIGHTS.T, WEIGHTS], constants=(1,)), threads=threads)


def inputs(count):
    """Arrays of several numbers of rows, so that plans are made while others run."""
    return [RNG.standard_normal((1 + 7 * (i % 5), 96)).astype(np.float32) for i in range(count)]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_one_model_many_callers(threads):
    model = product(threads)
    todo = inputs(200)
    want = [product(1)(x) for x in todo[:5]]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(model, todo))
    for x, y in zip(todo, got, strict=True):
        np.testing.assert_allclose(y, x @ WEIGHTS, rtol=1e-4, atol=1e-4)
    for a, b in zip(want, got, strict=False):
        np.testing.assert_array_equal(a, b)


def test_several_models():
    models = {op: engine.load(one_node(op, [WEIGHTS]), threads=2) for op in ("Neg", "Abs", "Relu", "Exp")}
    expected = {"Neg": -WEIGHTS, "Abs": abs(WEIGHTS), "Relu": np.maximum(WEIGHTS, 0), "Exp": np.exp(WEIGHTS)}

    def work(i):
        op = list(models)[i % 4]
        return op, models[op](WEIGHTS)

    with ThreadPoolExecutor(6) as pool:
        for op, y in pool.map(work, range(120)):
            np.testing.assert_allclose(y, expected[op], rtol=1e-5)


def test_same_bits():
    x = RNG.standard_normal((257, 96)).astype(np.float32)
    first = product(1)(x)
    for threads in (2, 3, 4):
        model = product(threads)
        for _ in range(5):
            assert model(x).tobytes() == first.tobytes()


def test_load_and_drop_while_others_call():
    steady = product(2)
    x = inputs(1)[0]
    stop = threading.Event()
    want = steady(x)

    def call():
        calls = 0
        while not stop.is_set():
            np.testing.assert_array_equal(steady(x), want)
            calls += 1
        return calls

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(call) for _ in range(2)]
        for _ in range(20):
            np.testing.assert_array_equal(product(2)(x), want)
        stop.set()
        assert all(future.result() > 0 for future in running)


def test_errors_stay_with_their_caller():
    model = product(2)

    def work(i):
        if i % 3 == 0:
            with pytest.raises(engine.InvalidInput):
                model(np.zeros((1, 95), np.float32))
            return
        x = np.full((2, 96), i, np.float32)
        np.testing.assert_allclose(model(x), x @ WEIGHTS, rtol=1e-4, atol=1e-2)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(90)))
