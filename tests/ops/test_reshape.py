"""Reshape, Squeeze, Unsqueeze, Flatten, Size and ExpandDims against numpy."""

import engine
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, draw


@pytest.mark.parametrize("dtype", MOVED)
def test_dtypes(dtype):
    x = draw((2, 3, 4), dtype)
    assert_same(run_all_ways("Reshape", [x, np.array([4, -1])], constants=(1,))[0], x.reshape(4, 6))
    assert_same(run_node("Size", [x])[0], np.int64(24))


@pytest.mark.parametrize(
    ("shape", "wanted", "allowzero", "result"),
    [
        ((2, 3, 4), [0, -1], 0, (2, 12)),
        ((2, 3, 4), [0, 0, 2, 2], 0, (2, 3, 2, 2)),
        ((1,), [], 0, ()),
        ((), [1, 1], 0, (1, 1)),
        ((0, 3), [3, 0], 1, (3, 0)),
        ((0, 3), [0, 3, 5], 1, (0, 3, 5)),
        ((0, 3), [0, 0], 0, (0, 3)),
        ((0, 3), [-1, 3], 0, (0, 3)),
        ((0, 4, 6), [0, -1], 0, (0, 24)),
        ((0, 4, 6), [0, -1, 3], 0, (0, 8, 3)),
        ((5, 0), [-1, 0], 0, (5, 0)),
        ((5, 0), [-1], 0, (0,)),
    ],
)
def test_reshape(shape, wanted, allowzero, result):
    x = draw(shape)
    [y] = run_all_ways("Reshape", [x, np.array(wanted, np.int64)], {"allowzero": allowzero}, constants=(1,))
    assert y.shape == result
    assert_same(y, x.reshape(result))


@pytest.mark.parametrize("wanted", [[5], [-1, -1], [7, -1], [-2, 3], [0, 0, 0, 0], [2**40, 2**40]])
def test_reshape_refuses(wanted):
    for constants in ((), (1,)):
        with pytest.raises(engine.EngineError):
            run_node("Reshape", [draw((2, 3)), np.array(wanted)], constants=constants)


def test_a_rest_that_does_not_divide_is_refused_in_an_empty_batch():
    for constants in ((), (1,)):
        with pytest.raises(engine.EngineError, match="cannot become"):
            run_node("Reshape", [draw((0, 4)), np.array([0, -1, 3])], constants=constants)


@pytest.mark.parametrize(("axes", "result"), [([0], (3, 1, 5)), ([-2], (1, 3, 5)), ([2, 0], (3, 5)), (None, (3, 5))])
def test_squeeze(axes, result):
    x = draw((1, 3, 1, 5))
    as_input = [x] if axes is None else [x, np.array(axes)]
    assert_same(run_all_ways("Squeeze", as_input, constants=(1,) if axes else ())[0], x.reshape(result))
    assert_same(run_node("Squeeze", [x], {"axes": axes} if axes else {}, opset=11)[0], x.reshape(result))


@pytest.mark.parametrize("axes", [[1], [4], [0, 0], [0, -4]])
def test_squeeze_refuses(axes):
    with pytest.raises(engine.EngineError):
        run_node("Squeeze", [draw((1, 3, 1, 5)), np.array(axes)])


@pytest.mark.parametrize(("axes", "result"), [([0], (1, 2, 3)), ([-1, 1], (2, 1, 3, 1)), ([3, 0, 2], (1, 2, 1, 1, 3))])
def test_unsqueeze(axes, result):
    x = draw((2, 3))
    assert_same(run_all_ways("Unsqueeze", [x, np.array(axes)], constants=(1,))[0], x.reshape(result))
    assert_same(run_node("Unsqueeze", [x], {"axes": axes}, opset=11)[0], x.reshape(result))


@pytest.mark.parametrize("axes", [[3], [0, 0], [-4], list(range(20))])
def test_unsqueeze_refuses(axes):
    with pytest.raises(engine.EngineError):
        run_node("Unsqueeze", [draw((2, 3)), np.array(axes)])


@pytest.mark.parametrize("axis", [-4, -1, 0, 1, 2, 4])
def test_flatten(axis):
    x = draw((2, 3, 4, 5))
    at = axis + 4 if axis < 0 else axis
    want = x.reshape(int(np.prod(x.shape[:at])), -1)
    assert_same(run_all_ways("Flatten", [x], {"axis": axis})[0], want)
    assert_same(run_node("Flatten", [draw((0, 3))])[0], np.zeros((0, 3), np.float32))


def test_expand_dims():
    x = draw((2, 3))
    assert_same(run_node("ExpandDims", [x, np.array([1], np.int32)], opset=1, domain="com.microsoft")[0], x[:, None])
