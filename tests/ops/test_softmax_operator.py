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
@pytest.mark.parametrize(
    "dtype, tolerance", [(np.float32, 1e-5), (np.float64, 1e-13), (np.float16, 5e-3), (ml_dtypes.bfloat16, 3e-2)]
)
def test_every_axis(op, shape, dtype, tolerance):
    x = data(shape, dtype)
    for axis in range(-len(shape), len(shape)):
        (got,) = run_node(op, [x], {"axis": axis})
        assert got.dtype == dtype
        np.testing.assert_allclose(
            got.astype(np.float64), softmax(x, axis, op != "Softmax"), rtol=tolerance, atol=tolerance * 0.1
        )


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


def stepwise(x, axis=-1):
    """Each step of the definition, rounded to x's type; the rows must be short enough for one run of additions."""
    dtype, wide = x.dtype, np.float32
    d = (x.astype(wide) - x.max(axis=axis, keepdims=True).astype(wide)).astype(dtype)
    e = np.exp(d.astype(wide)).astype(dtype)
    total = np.expand_dims(np.ascontiguousarray(np.moveaxis(e, axis, -1)).sum(axis=-1), axis)
    return (e.astype(wide) / total.astype(wide)).astype(dtype)


HALVES = [np.float16, ml_dtypes.bfloat16]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("shape", [(300, 7), (40, 8, 3), (3, 5, 100), (9, 1)], ids=str)
@pytest.mark.parametrize("optimize", ["off", "cheap", "all"])
def test_half_floats_round_at_each_step(dtype, shape, optimize):
    x = data(shape, dtype)
    axis = 1
    (got,) = run_node("Softmax", [x], {"axis": axis}, optimize=optimize)
    want = stepwise(x, axis)
    ulp = 2.0 ** (-10 if dtype == np.float16 else -7)
    np.testing.assert_allclose(got.astype(np.float32), want.astype(np.float32), rtol=2 * ulp, atol=1e-7)
    assert np.mean(got.view(np.uint16) == want.view(np.uint16)) > 0.99


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("shape", [(1, 5000), (5000, 3), (1, 70_001)], ids=str)
def test_sums_of_long_half_float_rows_keep_growing(dtype, shape):
    n = max(shape)
    (got,) = run_node("Softmax", [np.ones(shape, dtype)], {"axis": shape.index(n)})
    np.testing.assert_allclose(got.astype(np.float64), 1 / n, rtol=5e-3)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("shape", [(60, 333), (2, 100_003), (50, 130, 5)], ids=str)
def test_half_floats_with_any_number_of_threads(dtype, shape):
    x = data(shape, dtype)
    one, two = (run_node("Softmax", [x], {"axis": 1}, threads=t)[0] for t in (1, 2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("axis", [0, 1])
def test_half_floats_masked_and_not_finite(dtype, axis):
    x = data((9, 9), np.float32)
    x[0, 2:], x[1, 3], x[2, 4], x[3] = -np.inf, np.nan, np.inf, -np.inf
    x = (x if axis else x.T).astype(dtype)
    (got,) = run_node("Softmax", [x], {"axis": axis})
    with np.errstate(all="ignore"):
        want = softmax(x, axis, False)
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=5e-2 if dtype != np.float16 else 5e-3, atol=1e-7)
    assert (got[0, 2:] if axis else got[2:, 0]).tobytes() == bytes(14)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 4)], ids=str)
def test_no_half_floats(dtype, shape):
    for axis in range(len(shape)):
        assert run_node("Softmax", [np.zeros(shape, dtype)], {"axis": axis})[0].shape == shape
