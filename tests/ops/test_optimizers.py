"""Optimizer steps against their formulas in NumPy."""

import numpy as np
import pytest
from harness import run_node

import engine

TRAINING = {"domain": "ai.onnx.preview.training", "opset": 1}


def run(op, rate, count, tensors, attrs, n_outputs):
    inputs = [np.array(rate, tensors[0].dtype), np.array(count), *tensors]
    return run_node(op, inputs, attrs, n_outputs=n_outputs, **TRAINING)


def tensors(count, dtype, shape=(3, 5)):
    rng = np.random.default_rng(0)
    return [np.abs(rng.standard_normal(shape)).astype(dtype) for _ in range(count)]


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [0, 3])
def test_adagrad(dtype, count):
    x, g, h = tensors(3, dtype)
    attrs = {"norm_coefficient": 0.5, "decay_factor": 0.25, "epsilon": 0.125}
    got_x, got_h = run("Adagrad", 0.5, count, [x, g, h], attrs, 2)
    grad = g + 0.5 * x
    close(got_h, h + grad**2)
    close(got_x, x - 0.5 / (1 + count * 0.25) * grad / (np.sqrt(h + grad**2) + 0.125))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [0, 3])
def test_adam(dtype, count):
    x, g, v, h = tensors(4, dtype)
    attrs = {"alpha": 0.75, "beta": 0.5, "norm_coefficient": 0.5, "norm_coefficient_post": 0.25, "epsilon": 0.125}
    got = run("Adam", 0.5, count, [x, g, v, h], attrs, 3)
    grad = g + 0.5 * x
    v, h = 0.75 * v + 0.25 * grad, 0.5 * h + 0.5 * grad**2
    rate = 0.5 * (np.sqrt(1 - 0.5**count) / (1 - 0.75**count) if count else 1)
    for a, b in zip(got, (0.75 * (x - rate * v / (np.sqrt(h) + 0.125)), v, h), strict=True):
        close(a, b)


@pytest.mark.parametrize("mode", ["standard", "nesterov"])
@pytest.mark.parametrize("count", [0, 3])
def test_momentum_of_two_parameters(mode, count):
    a, b = tensors(3, np.float32), tensors(3, np.float32, (7,))
    attrs = {"alpha": 0.75, "beta": 0.5, "norm_coefficient": 0.25, "mode": mode}
    got = run("Momentum", 0.5, count, [t for pair in zip(a, b, strict=True) for t in pair], attrs, 4)
    for k, (x, g, v) in enumerate((a, b)):
        grad = g + 0.25 * x
        v = 0.75 * v + (0.5 if count else 1) * grad
        close(got[k], x - 0.5 * (v if mode == "standard" else grad + 0.75 * v))
        close(got[2 + k], v)


def test_refused():
    x, g, v = tensors(3, np.float32)
    attrs = {"alpha": 0.75, "beta": 0.5, "norm_coefficient": 0.25}
    with pytest.raises(engine.InvalidModel):
        run("Momentum", 0.5, 0, [x, g, v], attrs | {"mode": "other"}, 2)
    with pytest.raises(engine.InvalidModel):
        run("Momentum", 0.5, 0, [x, g, v], attrs, 2)
    with pytest.raises(engine.InvalidModel):
        run("Adam", 0.5, 0, [x, g, v, v, v], {}, 2)
