"""Slice against Python's slices."""

import engine
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, draw

MAX, MIN = 2**63 - 1, -(2**63)


def twin(x, starts, ends, axes=None, steps=None):
    cut = [slice(None)] * x.ndim
    for k, axis in enumerate(axes if axes is not None else range(len(starts))):
        step = steps[k] if steps is not None else 1
        start = max(min(starts[k], 10**9), -(10**9))
        end = max(min(ends[k], 10**9), -(10**9))
        if step < 0 and end < -x.shape[axis]:
            end = None
        cut[axis] = slice(start, end, step)
    return x[tuple(cut)]


def arrays(*lists, dtype=np.int64):
    return [None if v is None else np.array(v, dtype) for v in lists]


@pytest.mark.parametrize("dtype", MOVED)
def test_dtypes(dtype):
    x = draw((5, 6, 7), dtype)
    args = ([1, 0, -1], [4, 6, MIN], [0, 1, 2], [1, 2, -2])
    assert_same(run_all_ways("Slice", [x, *arrays(*args)], constants=(1, 2, 3, 4))[0], twin(x, *args))


@pytest.mark.parametrize(
    "args",
    [
        ([0], [3]),
        ([2], [MAX], [0]),
        ([1, 2], [-1, MAX], [-1, 0]),
        ([0], [MAX], [1], [3]),
        ([-1], [MIN], [0], [-1]),
        ([MAX], [MIN], [1], [-2]),
        ([5], [2], [0], [1]),
        ([100], [200], [1], [1]),
        ([-100], [100], [2], [MAX]),
        ([-100], [-200], [2], [-1]),
        ([3], [0], [1], [-3]),
        ([MIN], [MAX], [0], [1]),
        ([0], [MIN], [0], [MIN]),
        ([1], [2], [0]),
        ([1], [3], [0]),
        ([], [], [], []),
    ],
)
def test_slices(args):
    x = draw((5, 6, 7))
    inputs = [x, *arrays(*args)]
    assert_same(run_all_ways("Slice", inputs, constants=tuple(range(1, len(inputs))))[0], twin(x, *args))
    if args[0]:
        assert_same(run_node("Slice", [x, *arrays(*(np.clip(a, -(2**31), 2**31 - 1) for a in args), dtype=np.int32)])[0], twin(x, *args))


def test_attributes():
    x = draw((5, 6, 7))
    got = run_node("Slice", [x], {"starts": [1, -3], "ends": [3, 1000], "axes": [0, 2]}, opset=9)[0]
    assert_same(got, x[1:3, :, -3:])


@pytest.mark.parametrize("args", [([0], [1], [3]), ([0], [1], [0], [0]), ([0, 0], [1, 1], [0, 0]), ([0, 0], [1]), ([0], [1], [0, 1])])
def test_refuses(args):
    inputs = [draw((5, 6, 7)), *arrays(*args)]
    for constants in ((), tuple(range(1, len(inputs)))):
        with pytest.raises(engine.EngineError):
            run_node("Slice", inputs, constants=constants)
