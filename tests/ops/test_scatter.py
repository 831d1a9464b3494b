"""ScatterElements, Scatter, ScatterND and TensorScatter against plain loops."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, draw, draw_numbers

REDUCTIONS = ["none", "add", "mul", "max", "min"]
NUMBERS = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64]


def reduced(old, new, reduction):
    with np.errstate(over="ignore", invalid="ignore"):
        if reduction == "add":
            return old + new
        if reduction == "mul":
            return old * new
        if reduction in ("max", "min"):
            return (np.maximum if reduction == "max" else np.minimum)(old, new)
    return new


def scatter_elements(x, indices, updates, axis, reduction="none"):
    y = x.copy()
    for at in np.ndindex(indices.shape):
        to = list(at)
        to[axis] = indices[at]
        y[tuple(to)] = reduced(y[tuple(to)], updates[at], reduction)
    return y


def scatter_nd(x, indices, updates, reduction="none"):
    y = x.copy()
    for at in np.ndindex(indices.shape[:-1]):
        to = tuple(indices[at])
        y[to] = reduced(y[to], updates[at], reduction)
    return y


def distinct_indices(shape, axis, length):
    rng = np.random.default_rng(4)
    out = np.empty(shape, np.int64)
    for at in np.ndindex(*(n for i, n in enumerate(shape) if i != axis)):
        where = list(at)
        where.insert(axis, slice(None))
        out[tuple(where)] = rng.permutation(length)[: shape[axis]]
    return out - length * rng.integers(0, 2, shape)


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_elements(dtype, axis):
    x = draw((5, 6, 7), dtype)
    shape = (3, 2, 4)
    indices = distinct_indices(shape, axis % 3, x.shape[axis])
    updates = draw(shape, dtype, seed=9)
    want = scatter_elements(x, indices, updates, axis)
    assert_same(run_all_ways("ScatterElements", [x, indices, updates], {"axis": axis}, constants=(1,))[0], want)
    assert_same(run_node("Scatter", [x, indices.astype(np.int32), updates], {"axis": axis}, opset=9)[0], want)


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("axis", [0, 1])
def test_elements_reductions(dtype, reduction, axis):
    x = draw_numbers((5, 6), dtype)
    indices = np.random.default_rng(1).integers(-5, 5, (4, 3))
    updates = draw_numbers((4, 3), dtype, seed=5)
    want = scatter_elements(x, indices, updates, axis, reduction)
    assert_same(run_node("ScatterElements", [x, indices, updates], {"axis": axis, "reduction": reduction}, opset=18)[0], want)


@pytest.mark.parametrize("axis", [0, 1])
def test_elements_many(axis):
    x = draw((700, 300))
    indices = np.random.default_rng(1).integers(0, x.shape[axis], (600, 250))
    updates = draw((600, 250), seed=8)
    want = scatter_elements(x, indices, updates, axis, "add")
    for threads in (1, 2):
        got = run_node("ScatterElements", [x, indices, updates], {"axis": axis, "reduction": "add"}, threads=threads)[0]
        assert_same(got, want)


def test_nan_wins():
    x = np.array([np.nan, 1, 2], np.float32)
    updates = np.array([1, np.nan, 5], np.float32)
    for reduction in ("max", "min"):
        got = run_node("ScatterElements", [x, np.arange(3), updates], {"reduction": reduction})[0]
        assert np.isnan(got[:2]).all()
        assert not np.isnan(got[2])


def test_elements_refuse():
    x = draw((3, 4))
    for indices, updates in (
        (np.array([[3]]), draw((1, 1))),
        (np.array([[0, 1]]), draw((1, 1))),
        (np.array([0]), draw((1,))),
        (np.zeros((1, 5), np.int64), draw((1, 5))),
    ):
        with pytest.raises(engine.EngineError):
            run_node("ScatterElements", [x, indices, updates])
    with pytest.raises(engine.UnsupportedOperator):
        run_node("ScatterElements", [draw((2,), np.bool_), np.array([0]), draw((1,), np.bool_)], {"reduction": "add"})


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_nd(dtype, depth):
    x = draw((4, 3, 5), dtype)
    rng = np.random.default_rng(2)
    indices = np.stack([rng.integers(-n, n, (2, 2)) for n in x.shape[:depth]], -1)
    updates = draw((2, 2, *x.shape[depth:]), dtype, seed=9)
    assert_same(run_all_ways("ScatterND", [x, indices, updates], constants=(1,))[0], scatter_nd(x, indices, updates))


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nd_reductions(dtype, reduction):
    x = draw_numbers((4, 5), dtype)
    indices = np.array([[1], [1], [-1], [0]])
    updates = draw_numbers((4, 5), dtype, seed=7)
    got = run_node("ScatterND", [x, indices, updates], {"reduction": reduction}, opset=18)[0]
    assert_same(got, scatter_nd(x, indices, updates, reduction))


def test_nd_refuses():
    x = draw((3, 4))
    for indices, updates in (
        (np.array([[3]]), draw((1, 4))),
        (np.array([[0, -5]]), draw((1,))),
        (np.array([[0]]), draw((1, 3))),
        (np.array([[0, 0, 0]]), draw((1,))),
        (np.zeros((2, 1), np.int64), draw((1, 4))),
    ):
        with pytest.raises(engine.EngineError):
            run_node("ScatterND", [x, indices, updates])


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.object_])
@pytest.mark.parametrize("mode", ["linear", "circular"])
@pytest.mark.parametrize("axis", [-2, 1])
def test_tensor_scatter(dtype, mode, axis):
    past = draw((2, 6, 6, 3), dtype)
    shape = list(past.shape)
    shape[axis] = 4
    update = draw(shape, dtype, seed=4)
    first = np.array([1, 2]) if mode == "linear" else np.array([4, 11])
    want = past.copy()
    for b in range(2):
        for i in range(4):
            to, source = [b, slice(None), slice(None), slice(None)], [b, slice(None), slice(None), slice(None)]
            to[axis], source[axis] = (first[b] + i) % 6, i
            want[tuple(to)] = update[tuple(source)]
    got = run_all_ways("TensorScatter", [past, update, first], {"mode": mode, "axis": axis}, opset=24)[0]
    assert_same(got, want)


def test_tensor_scatter_refuses():
    past, update = draw((1, 2, 4, 3)), draw((1, 2, 2, 3))
    for first, attrs in ((3, {}), (-1, {}), (0, {"axis": 0}), (0, {"mode": "ring"})):
        with pytest.raises(engine.EngineError):
            run_node("TensorScatter", [past, update, np.array([first])], attrs, opset=24)
    assert_same(run_node("TensorScatter", [past, update], opset=24)[0][:, :, :2], update)
