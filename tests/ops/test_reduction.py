"""The Reduce operators against NumPy."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_all_ways, run_node

import engine


def log_sum_exp(x, axis, keepdims):
    with np.errstate(all="ignore"):
        top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        shift = np.where(np.isfinite(top), top, 0)
        total = np.sum(np.exp(x - shift), axis=axis, keepdims=True)
        answer = np.log(total) + shift
    return answer if keepdims else np.squeeze(answer, axis)


def quiet(function):
    def call(x, axis, keepdims):
        with np.errstate(all="ignore"):
            return function(x, axis=axis, keepdims=keepdims)

    return call


TWINS = {
    "ReduceSum": quiet(np.sum),
    "ReduceMean": quiet(np.mean),
    "ReduceMax": quiet(np.max),
    "ReduceMin": quiet(np.min),
    "ReduceProd": quiet(np.prod),
    "ReduceL1": quiet(lambda x, **k: np.sum(np.abs(x), **k)),
    "ReduceL2": quiet(lambda x, **k: np.sqrt(np.sum(np.square(x), **k))),
    "ReduceLogSum": quiet(lambda x, **k: np.log(np.sum(x, **k))),
    "ReduceLogSumExp": log_sum_exp,
    "ReduceSumSquare": quiet(lambda x, **k: np.sum(np.square(x), **k)),
}
SHAPES = [(7,), (3, 5), (2, 1, 6), (4, 3, 33, 5), (2, 3, 1, 4, 5), (70, 300)]


def data(shape, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0 if np.dtype(dtype).kind == "u" else -6, 7, shape).astype(dtype)
    return (rng.random(shape) + 0.25).astype(dtype)


def axes_of(rank):
    return [a for k in range(1, rank + 1) for a in itertools.combinations(range(rank), k)]


@pytest.mark.parametrize("op", TWINS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_set_of_axes(op, shape):
    x = data(shape)
    for axes in axes_of(len(shape)):
        for keep in (0, 1):
            (got,) = run_node(op, [x, np.array(axes)], {"keepdims": keep}, constants=(1,))
            want = TWINS[op](x.astype(np.float64), axes, bool(keep)).astype(np.float32)
            assert_close(got, want, rtol=2e-5)


@pytest.mark.parametrize("op", TWINS)
def test_axes_known_early_late_and_as_attribute(op):
    x = data((3, 4, 5))
    (got,) = run_all_ways(op, [x, np.array([-1, 0])], constants=(1,))
    assert_close(got, TWINS[op](x.astype(np.float64), (0, 2), True).astype(np.float32), rtol=1e-5)
    (old,) = run_node(op, [x], {"axes": [-1, 0]}, opset=11)
    assert_same(old, got)
    (all_axes,) = run_node(op, [x], {"keepdims": 0}, opset=11)
    assert all_axes.shape == ()
    (none,) = run_node(op, [x, np.array([], np.int64)])
    assert none.shape == (1, 1, 1)


@pytest.mark.parametrize("op", TWINS)
def test_no_axes_may_mean_none(op):
    x = data((3, 4))
    (got,) = run_node(op, [x], {"noop_with_empty_axes": 1})
    assert_close(got, TWINS[op](x[..., None], (-1,), False), rtol=1e-5)


@pytest.mark.parametrize("op", TWINS)
@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16])
def test_other_floats(op, dtype):
    x = data((3, 40, 7), dtype)
    if op == "ReduceProd":
        x = (x > 0.7).astype(dtype) + dtype(0.5)
    for axes in [(0,), (1,), (2,), (0, 2), (0, 1, 2)]:
        (got,) = run_node(op, [x, np.array(axes)], constants=(1,))
        want = TWINS[op](x.astype(np.float64), axes, True)
        tolerance = {2: 1e-2, 8: 1e-12}[np.dtype(dtype).itemsize]
        assert got.dtype == dtype
        np.testing.assert_allclose(got.astype(np.float64), want, rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceL2", "ReduceLogSumExp"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 7, 300])
def test_tall(op, dtype, columns):
    """Long columns, in blocks of rows and strips of columns."""
    x = data((2100, columns), dtype)
    (got,) = run_node(op, [x, np.array([0])], constants=(1,))
    np.testing.assert_allclose(got, TWINS[op](x.astype(np.float64), (0,), True), rtol=1e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceSumSquare"])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32, np.uint64])
def test_integers_wrap(op, dtype):
    x = data((6, 50, 3), dtype)
    for axes in [(0,), (1,), (2,), (0, 2), (0, 1, 2)]:
        (got,) = run_node(op, [x, np.array(axes)], constants=(1,))
        twin = {"ReduceSum": np.sum, "ReduceProd": np.prod}.get(op)
        want = twin(x, axis=axes, keepdims=True, dtype=dtype) if twin else TWINS[op](x, axes, True)
        assert_same(got, want.astype(dtype))


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceL2"])
def test_integers_with_fractions_round_towards_zero(op):
    x = data((6, 50, 3), np.int64)
    (got,) = run_node(op, [x, np.array([1])])
    assert_same(got, TWINS[op](x.astype(np.float64), (1,), True).astype(np.int64))


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.bool_])
def test_bytes_and_bools(op, dtype):
    x = data((5, 6, 7), np.uint8).astype(dtype)
    for axes in axes_of(3):
        (got,) = run_node(op, [x, np.array(axes)], constants=(1,))
        assert_same(got, TWINS[op](x, axes, True))


@pytest.mark.parametrize("op", TWINS)
def test_empty_sets(op):
    (got,) = run_node(op, [np.zeros((2, 0, 3), np.float32), np.array([1])], {"keepdims": 0})
    want = {"ReduceProd": 1, "ReduceMax": -np.inf, "ReduceMin": np.inf, "ReduceMean": np.nan}
    want.update({"ReduceLogSum": -np.inf, "ReduceLogSumExp": -np.inf})
    assert_same(got, np.full((2, 3), want.get(op, 0), np.float32))
    (kept,) = run_node(op, [np.zeros((2, 0, 3), np.float32), np.array([0])], {"keepdims": 0})
    assert kept.shape == (0, 3)


def test_empty_bools():
    x = np.zeros((0, 2), np.bool_)
    assert run_node("ReduceMax", [x, np.array([0])])[0].tolist() == [[False, False]]
    assert run_node("ReduceMin", [x, np.array([0])])[0].tolist() == [[True, True]]


@pytest.mark.parametrize("op", TWINS)
@pytest.mark.parametrize("shape, axes", [((3, 200_000), (1,)), ((300_000, 3), (0,)), ((2, 5000, 300), (0, 1)), ((1_000_000,), (0,))])
def test_long_runs_and_any_number_of_threads(op, shape, axes):
    x = data(shape) * np.float32(1e-3) + np.float32(op == "ReduceProd")
    if op == "ReduceProd":
        x = np.where(np.arange(x.size).reshape(shape) % 2, x, 1 / x)
    one, two = (run_node(op, [x, np.array(axes)], constants=(1,), threads=t)[0] for t in (1, 2))
    assert_same(one, two)
    assert_close(one, TWINS[op](x.astype(np.float64), axes, True).astype(np.float32), rtol=5e-4 if op == "ReduceProd" else 1e-5)


@pytest.mark.parametrize("op", TWINS)
def test_nan_and_infinity(op):
    x = data((4, 40))
    x[0, 3], x[1, 7], x[2, 5], x[2, 6] = np.nan, np.inf, np.inf, -np.inf
    for axis in (0, 1):
        (got,) = run_node(op, [x, np.array([axis])])
        with np.errstate(all="ignore"):
            want = TWINS[op](x.astype(np.float64), (axis,), True).astype(np.float32)
        assert_close(got, want)


@pytest.mark.parametrize("axes", [[3], [-4], [0, 0], [1, -2]])
def test_wrong_axes(axes):
    x = data((2, 3, 4))
    with pytest.raises(engine.InvalidModel):
        run_node("ReduceSum", [x, np.array(axes)], constants=(1,))
    with pytest.raises(engine.InvalidInput):
        run_node("ReduceSum", [x, np.array(axes)])
