"""Deadlines and cancellation: in the middle of one large step, between steps, and with the model as good as new afterwards."""

import threading
import time

import engine
import numpy as np
import pytest
from harness import one_node
from onnx import TensorProto, helper

N = 1536
SQUARE = np.full((N, N), 0.5, np.float32)


@pytest.fixture(scope="module")
def one_step():
    """A single product of which one call takes long, and the seconds that it takes."""
    model = engine.load(one_node("MatMul", [SQUARE, SQUARE]), threads=1)
    model(SQUARE, SQUARE)
    return model, fastest(lambda: model(SQUARE, SQUARE))


@pytest.fixture(scope="module")
def many_steps():
    names = [f"v{i}" for i in range(13)]
    nodes = [helper.make_node("MatMul", [a, "w"], [b]) for a, b in zip(names, names[1:], strict=False)]
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 640]) for n in ("v0", "w", "v12")]
    graph = helper.make_graph(nodes, "chain", info[:2], info[2:])
    opsets = [helper.make_opsetid("", 21)]
    model = engine.load(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString(), threads=1)
    x = np.full((640, 640), 1 / 640, np.float32)
    model(x, x)
    return model, x, fastest(lambda: model(x, x))


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def fastest(call, tries=3):
    return min(seconds(call) for _ in range(tries))


def late(model, inputs, timeout):
    with pytest.raises(engine.DeadlineExceeded):
        model(*inputs, timeout=timeout)


def test_within_one_step(one_step):
    model, full = one_step
    assert fastest(lambda: late(model, (SQUARE, SQUARE), full / 10)) < full / 2


def test_between_steps(many_steps):
    model, x, full = many_steps
    assert fastest(lambda: late(model, (x, x), full / 10)) < full / 2


def test_a_deadline_that_has_passed(one_step):
    model, full = one_step
    assert fastest(lambda: late(model, (SQUARE, SQUARE), 0)) < full / 2


def test_it_is_a_builtin_timeout_too(one_step):
    model, full = one_step
    with pytest.raises(TimeoutError):
        model(SQUARE, SQUARE, timeout=full / 10)


def test_enough_time(one_step):
    model, full = one_step
    late(model, (SQUARE, SQUARE), full / 10)
    np.testing.assert_allclose(model(SQUARE, SQUARE, timeout=100 * full + 10), np.full((N, N), N / 4), rtol=1e-5)


def test_the_models_default():
    model = engine.load(one_node("MatMul", [SQUARE, SQUARE]), threads=1, timeout=0.0)
    late(model, (SQUARE, SQUARE), None)
    small = np.ones((2, 2), np.float32)
    np.testing.assert_array_equal(model(small, small, timeout=60), [[2, 2], [2, 2]])


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_bad_timeouts(one_step, timeout):
    with pytest.raises(engine.InvalidInput, match="at least 0"):
        one_step[0](SQUARE, SQUARE, timeout=timeout)


def test_cancel_before(one_step):
    token = engine.CancelToken()
    assert not token.cancelled
    token.cancel()
    assert token.cancelled
    with pytest.raises(engine.Cancelled):
        one_step[0].run({"x0": SQUARE, "x1": SQUARE}, cancel=token)


def test_cancel_from_another_thread(one_step):
    model, full = one_step

    def cancelled_call():
        token = engine.CancelToken()
        timer = threading.Timer(full / 10, token.cancel)
        timer.start()
        with pytest.raises(engine.Cancelled):
            model.run({"x0": SQUARE, "x1": SQUARE}, cancel=token)
        timer.join()

    assert fastest(cancelled_call, 5) < full * 0.7
    np.testing.assert_allclose(model(SQUARE, SQUARE)[0, :3], N / 4, rtol=1e-5)


def test_others_go_on(one_step):
    """A call that is late does not stop another of the same model."""
    model, full = one_step
    answers = []
    other = threading.Thread(target=lambda: answers.append(model(SQUARE, SQUARE)))
    other.start()
    late(model, (SQUARE, SQUARE), full / 10)
    other.join()
    np.testing.assert_allclose(answers[0], np.full((N, N), N / 4), rtol=1e-5)
