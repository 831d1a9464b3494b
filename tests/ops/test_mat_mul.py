"""MatMul against numpy in float64."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, one_node, run_node

SHAPES = [
    ((3, 4), (4, 5)),
    ((1, 1), (1, 1)),
    ((7,), (7,)),
    ((7,), (7, 3)),
    ((5, 7), (7,)),
    ((2, 3, 5, 7), (7,)),
    ((7,), (2, 3, 7, 4)),
    ((2, 3, 5, 7), (7, 4)),
    ((2, 3, 5, 7), (3, 7, 4)),
    ((2, 1, 5, 7), (1, 3, 7, 4)),
    ((5, 7), (2, 3, 7, 4)),
    ((6, 1, 7), (7, 9)),
    ((2, 130, 65), (2, 65, 67)),
    ((1, 300), (300, 513)),
    ((513, 300), (300, 1)),
    ((3, 2500), (2500, 70)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((0, 2, 3), (3, 4)),
    ((2, 3), (3, 0)),
]


def draw(rng, shape, dtype):
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 2**31, shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
@pytest.mark.parametrize("constants", [(), (0,), (1,)])
@pytest.mark.parametrize("dynamic", [False, True])
def test_float32(a_shape, b_shape, constants, dynamic):
    rng = np.random.default_rng(7)
    a, b = draw(rng, a_shape, np.float32), draw(rng, b_shape, np.float32)
    [got] = run_node("MatMul", [a, b], constants=constants, dynamic=dynamic)
    want = np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(np.float32)
    assert_close(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.int64, np.uint32, np.uint64])
@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
def test_other_types(a_shape, b_shape, dtype):
    rng = np.random.default_rng(8)
    a, b = draw(rng, a_shape, dtype), draw(rng, b_shape, dtype)
    [got] = run_node("MatMul", [a, b])
    want = np.matmul(a, b)
    if dtype is np.float64:
        assert_close(got, want, rtol=1e-10, atol=1e-10)
    else:
        np.testing.assert_array_equal(got, want)
        assert got.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("constants", [(), (0,), (1,)])
@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
def test_halves(a_shape, b_shape, dtype, constants):
    rng = np.random.default_rng(9)
    a, b = draw(rng, a_shape, dtype), draw(rng, b_shape, dtype)
    [got] = run_node("MatMul", [a, b], constants=constants)
    exact = np.matmul(a.astype(np.float64), b.astype(np.float64))
    rounding = 2.0**-10 if dtype is np.float16 else 2.0**-7
    assert got.dtype == dtype
    np.testing.assert_allclose(got.astype(np.float64), exact, rtol=rounding, atol=1e-3)


def test_threads_do_not_change_bits():
    rng = np.random.default_rng(10)
    a, b = draw(rng, (4, 150, 333), np.float32), draw(rng, (333, 401), np.float32)
    answers = [run_node("MatMul", [a, b], threads=t)[0].tobytes() for t in (1, 2, 3)]
    assert answers[0] == answers[1] == answers[2]


def test_special_values_travel():
    a = np.array([[1.0, np.inf], [np.nan, 1.0], [0.0, 1.0]], np.float32)
    b = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    [got] = run_node("MatMul", [a, b])
    want = np.array([[np.inf, -np.inf], [np.nan, np.nan], [3.0, -1.0]], np.float32)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("a_shape", "b_shape"), [((2, 3), (4, 5)), ((2, 2, 3), (3, 3, 5)), ((), (3,))])
def test_shapes_that_do_not_match(a_shape, b_shape):
    a, b = np.ones(a_shape, np.float32), np.ones(b_shape, np.float32)
    with pytest.raises(engine.InvalidModel, match="cannot be multiplied"):
        engine.load(one_node("MatMul", [a, b], dynamic=False))
    model = engine.load(one_node("MatMul", [a, b], dynamic=True)) if a_shape else None
    if model:
        with pytest.raises(engine.InvalidInput, match="cannot be multiplied"):
            model.run({"x0": a, "x1": b})
