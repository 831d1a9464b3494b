"""Min, Max, Sum and Mean over any number of broadcast inputs."""

from functools import reduce

import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node

BF16 = ml_dtypes.bfloat16
FLOATS = [np.float32, np.float64, np.float16, BF16]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
SHAPE_SETS = [
    [(4, 5)],
    [(4, 5), (4, 5)],
    [(4, 5), (5,), (4, 1)],
    [(), (3,), (2, 1), (1, 1)],
    [(1, 700), (3, 1), (3, 700), ()],
    [(0, 2), (1, 2), (1,)],
]


def numbers(dtype, shapes):
    rng = np.random.default_rng(7)
    low = 0 if np.dtype(dtype).kind == "u" else -90
    if np.dtype(dtype).kind in "iu":
        return [rng.integers(low, 90, s).astype(dtype) for s in shapes]
    return [rng.standard_normal(s).astype(dtype) for s in shapes]


@pytest.mark.parametrize("shapes", SHAPE_SETS)
@pytest.mark.parametrize(("name", "twin"), [("Min", np.minimum), ("Max", np.maximum)])
def test_min_max(name, twin, shapes):
    for dtype in FLOATS + INTEGERS:
        xs = numbers(dtype, shapes)
        for version in (8, 12, 13):
            assert_same(run_node(name, xs, opset=version)[0], np.asarray(reduce(twin, xs)))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("count", [2, 3])
def test_nan_wins(dtype, count):
    x = np.array([np.nan, 1, np.inf, -np.inf, 2]).astype(dtype)
    y = np.array([0, np.nan, np.nan, 5, np.nan]).astype(dtype)
    for name, twin in (("Min", np.minimum), ("Max", np.maximum)):
        want = twin(x.astype(np.float64), y.astype(np.float64)).astype(dtype)
        assert_close(run_node(name, [x, y, y][:count])[0], want, rtol=0, atol=0)


@pytest.mark.parametrize("shapes", SHAPE_SETS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_sum_mean(shapes, dtype):
    xs = numbers(dtype, shapes)
    total = np.asarray(reduce(np.add, [x.astype(np.float64) for x in xs]))
    tolerance = {np.float32: 1e-6, np.float64: 1e-14, np.float16: 2e-3, BF16: 1e-2}[dtype]
    for version in (6, 8, 13):
        assert_close(run_node("Sum", xs, opset=version)[0], total.astype(dtype), rtol=tolerance, atol=tolerance)
        assert_close(run_node("Mean", xs, opset=version)[0], (total / len(xs)).astype(dtype), rtol=tolerance, atol=tolerance)
