"""Gemm against numpy in float64."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, one_node, run_node


def twin(a, b, c=None, alpha=1.0, beta=1.0, transA=0, transB=0):
    a = a.T if transA else a
    b = b.T if transB else b
    out = alpha * (a.astype(np.float64) @ b.astype(np.float64))
    return out if c is None else out + beta * c.astype(np.float64)


@pytest.mark.parametrize("sizes", [(3, 4, 5), (1, 70, 130), (65, 33, 1), (1, 1, 1), (130, 300, 67), (0, 3, 4), (3, 0, 4)])
@pytest.mark.parametrize("trans", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("constants", [(), (0,), (1, 2)])
def test_float32(sizes, trans, constants):
    m, k, n = sizes
    rng = np.random.default_rng(3)
    a = rng.standard_normal((k, m) if trans[0] else (m, k)).astype(np.float32)
    b = rng.standard_normal((n, k) if trans[1] else (k, n)).astype(np.float32)
    for c_shape in [None, (), (1,), (n,), (1, n), (m, 1), (m, n), (1, 1)]:
        for alpha, beta in [(1.0, 1.0), (0.5, -2.0), (1.0, 0.0)]:
            c = None if c_shape is None else rng.standard_normal(c_shape).astype(np.float32)
            attrs = {"alpha": alpha, "beta": beta, "transA": trans[0], "transB": trans[1]}
            inputs = [a, b] if c is None else [a, b, c]
            [got] = run_node("Gemm", inputs, attrs, constants=[i for i in constants if i < len(inputs)])
            assert_close(got, twin(a, b, c, **attrs).astype(np.float32), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64, np.int32, np.int64, np.uint32, np.uint64])
@pytest.mark.parametrize("trans", [(0, 0), (1, 1)])
def test_other_types(dtype, trans):
    rng = np.random.default_rng(4)
    a = rng.integers(0, 5, (7, 3) if trans[0] else (3, 7)).astype(dtype)
    b = rng.integers(0, 5, (4, 7) if trans[1] else (7, 4)).astype(dtype)
    for c_shape in [(), (4,), (3, 1), (3, 4)]:
        c = rng.integers(0, 5, c_shape).astype(dtype)
        attrs = {"alpha": 2.0, "beta": 3.0, "transA": trans[0], "transB": trans[1]}
        [got] = run_node("Gemm", [a, b, c], attrs)
        assert got.dtype == dtype
        rounding = 2.0**-8 if dtype is ml_dtypes.bfloat16 else 2.0**-11
        np.testing.assert_allclose(got.astype(np.float64), twin(a, b, c, **attrs), rtol=rounding)


def test_refusals():
    a, b = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32)
    with pytest.raises(engine.InvalidModel, match="cannot be multiplied"):
        engine.load(one_node("Gemm", [a, b], {"transA": 1}, dynamic=False))
    with pytest.raises(engine.InvalidModel, match="does not broadcast"):
        engine.load(one_node("Gemm", [a, b, np.ones((3,), np.float32)], dynamic=False))
    with pytest.raises(engine.InvalidModel, match="must be matrices"):
        engine.load(one_node("Gemm", [np.ones((1, 2, 3), np.float32), b], dynamic=False))
    integers = [np.ones((2, 3), np.int32), np.ones((3, 4), np.int32)]
    with pytest.raises(engine.UnsupportedOperator, match="integral"):
        engine.load(one_node("Gemm", integers, {"alpha": 0.5}, dynamic=False))
