"""CumSum and CumProd."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, run_node

DTYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int32, np.int64, np.uint32, np.uint64]


def twin(x, axis, exclusive, reverse, function, unit):
    wide = x.astype(np.float64) if x.dtype.kind not in "iu" else x
    if reverse:
        wide = np.flip(wide, axis)
    y = function(wide, axis=axis, dtype=wide.dtype)
    if exclusive:
        y = np.concatenate([np.full_like(np.take(y, [0], axis), unit), np.delete(y, -1, axis)], axis)
    return (np.flip(y, axis) if reverse else y).astype(x.dtype)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize(("shape", "axis"), [((7,), 0), ((2, 5), -1), ((3, 4, 5), 1), ((2, 3, 70), 0), ((2, 1, 3), 1), ((700, 2), 0), ((2, 1300), 1)])
def test_cumulative(shape, axis, exclusive, reverse):
    rng = np.random.default_rng(3)
    attrs = {"exclusive": exclusive, "reverse": reverse}
    for dtype in DTYPES:
        ones = rng.choice([1, 2], p=[0.9, 0.1], size=shape) if shape[axis] < 100 else np.ones(shape)
        x, p = rng.integers(0, 3, shape).astype(dtype), ones.astype(dtype)
        tolerance = 2e-2 if np.dtype(dtype).itemsize == 2 else 1e-5
        for index in (np.int32, np.int64):
            got = run_node("CumSum", [x, np.array(axis, index)], attrs, opset=14)[0]
            assert_close(got, twin(x, axis, exclusive, reverse, np.cumsum, 0), rtol=tolerance)
        got = run_node("CumProd", [p, np.array([axis], np.int64)], attrs, opset=26)[0]
        assert_close(got, twin(p, axis, exclusive, reverse, np.cumprod, 1), rtol=tolerance)


@pytest.mark.parametrize("shape", [(100_000,), (3, 40_000), (40_000, 3), (600, 200)])
def test_long_axes(shape):
    x = np.random.default_rng(4).integers(-9, 9, shape).astype(np.int64)
    for axis in range(len(shape)):
        for reverse in (0, 1):
            got = run_node("CumSum", [x, np.array(axis)], {"reverse": reverse}, opset=14)[0]
            assert_close(got, twin(x, axis, 0, reverse, np.cumsum, 0))


def test_integer_sums_wrap():
    x = np.full(5, np.iinfo(np.int32).max, np.int32)
    with np.errstate(over="ignore"):
        assert run_node("CumSum", [x, np.array(0)])[0].tolist() == np.cumsum(x, dtype=np.int32).tolist()


def test_empty():
    assert run_node("CumSum", [np.zeros((0, 3), np.float32), np.array(0)])[0].shape == (0, 3)


def test_axis_out_of_range():
    with pytest.raises(engine.InvalidInput, match="axis 2"):
        run_node("CumSum", [np.zeros((2, 3), np.float32), np.array(2)])
    with pytest.raises(engine.InvalidInput, match="axis"):
        run_node("CumSum", [np.float32(1), np.array(0)])
