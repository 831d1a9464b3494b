"""Softmax and LogSoftmax against NumPy."""

import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node

import engine


def softmax(x, axis, log):
    x = x.astype(np.float64)
    d = x - x.max(axis=axis, keepdims=True)
    total = np.exp(d).sum(axis=axis, keepdims=True)
    return d - np.log(total) if log else np.exp(d) / total


def data(shape, dtype=np.float32):
    return (np.random.default_rng(1).standard_normal(shape) * 4).astype(dtype)


OPS = ["Softmax", "LogSoftmax"]


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("shape", [(5,), (3, 7), (2, 3, 65), (2, 5, 3, 100), (3, 1), (1, 1, 200)], ids=str)
@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-5), (np.float64, 1e-13), (np.float16, 5e-3), (ml_dtypes.bfloat16, 3e-2)])
def test_every_axis(op, shape, dtype, tolerance):
    x = data(shape, dtype)
    for axis in range(-len(shape), len(shape)):
        (got,) = run_node(op, [x], {"axis": axis})
        assert got.dtype == dtype
        np.testing.assert_allclose(got.astype(np.float64), softmax(x, axis, op != "Softmax"), rtol=tolerance, atol=tolerance * 0.1)


@pytest.mark.parametrize("op", OPS)
def test_before_opset_13_all_later_axes_count(op):
    x = data((2, 3, 4))
    for axis in range(4):
        (got,) = run_node(op, [x], {"axis": axis}, opset=11)
        flat = x.reshape(int(np.prod(x.shape[:axis])), -1)
        assert_close(got, softmax(flat, 1, op != "Softmax").reshape(x.shape).astype(np.float32))


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_long_rows_with_any_number_of_threads(op, dtype):
    x = data((2, 100_000), dtype)
    one, two = (run_node(op, [x], threads=t)[0] for t in (1, 2))
    assert_same(one, two)
    want = softmax(x, 1, op != "Softmax")
    np.testing.assert_allclose(one.astype(np.float64), want, rtol=1e-5 if dtype == np.float32 else 5e-3, atol=1e-7)


@pytest.mark.parametrize("op", OPS)
def test_masked_and_not_finite(op):
    x = data((4, 9))
    x[0, 2:], x[1, 3], x[2, 4], x[3] = -np.inf, np.nan, np.inf, -np.inf
    (got,) = run_node(op, [x])
    with np.errstate(all="ignore"):
        want = softmax(x, 1, op != "Softmax").astype(np.float32)
    assert_close(got, want)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 4)], ids=str)
def test_nothing(op, shape):
    for axis in range(len(shape)):
        assert run_node(op, [np.zeros(shape, np.float32)], {"axis": axis})[0].shape == shape


def test_wrong_axis():
    with pytest.raises(engine.InvalidModel):
        run_node("Softmax", [data((2, 3))], {"axis": 2}, dynamic=False)
