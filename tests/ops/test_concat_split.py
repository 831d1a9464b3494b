"""Concat and Split against numpy."""

import engine
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, draw


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concat(dtype, axis):
    shapes = []
    for n in (2, 1, 4):
        shape = [3, 5, 7]
        shape[axis] = n
        shapes.append(tuple(shape))
    xs = [draw(s, dtype, seed=i) for i, s in enumerate(shapes)]
    assert_same(run_all_ways("Concat", xs, {"axis": axis})[0], np.concatenate(xs, axis))


def test_concat_edges():
    x, e = draw((2, 3)), draw((0, 3))
    assert_same(run_node("Concat", [x], {"axis": 0})[0], x)
    assert_same(run_node("Concat", [e, x, e], {"axis": 0})[0], x)
    assert_same(run_node("Concat", [x, x], {}, opset=3)[0], np.concatenate([x, x], 1))
    big = [draw((3, 70000), seed=i) for i in range(3)]
    for threads in (1, 2):
        assert_same(run_node("Concat", big, {"axis": 1}, threads=threads)[0], np.concatenate(big, 1))


@pytest.mark.parametrize(
    ("shapes", "axis"), [([(2, 3), (2, 4)], 0), ([(2, 3), (2, 3, 1)], 0), ([(2, 3), (2, 3)], 2), ([(), ()], 0)]
)
def test_concat_refuses(shapes, axis):
    with pytest.raises(engine.EngineError):
        run_node("Concat", [draw(s) for s in shapes], {"axis": axis})


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_split(dtype, axis):
    x = draw((6, 6, 6), dtype)
    sizes = [1, 0, 3, 2]
    got = run_all_ways("Split", [x, np.array(sizes)], {"axis": axis}, n_outputs=4, constants=(1,))
    for y, want in zip(got, np.split(x, np.cumsum(sizes)[:-1], axis), strict=True):
        assert_same(y, want)


@pytest.mark.parametrize(("opset", "inputs", "attrs"), [(2, (), {"split": [2, 4]}), (11, (), {"split": [2, 4]}), (13, ([2, 4],), {})])
def test_split_versions(opset, inputs, attrs):
    x = draw((6, 2))
    got = run_node("Split", [x, *map(np.array, inputs)], attrs, opset=opset, n_outputs=2)
    assert_same(got[0], x[:2])
    assert_same(got[1], x[2:])


def test_split_evenly():
    x = draw((7, 2))
    got = run_all_ways("Split", [x], {"num_outputs": 3}, opset=18, n_outputs=3)
    for y, want in zip(got, (x[:3], x[3:6], x[6:]), strict=True):
        assert_same(y, want)
    got = run_node("Split", [x[:6]], opset=13, n_outputs=3)
    assert_same(got[2], x[4:6])


@pytest.mark.parametrize("sizes", [[3, 4], [7, -1], [6], [2**62, 2**62]])
def test_split_refuses(sizes):
    with pytest.raises(engine.EngineError):
        run_node("Split", [draw((6, 2)), np.array(sizes)], n_outputs=2)


def test_split_refuses_uneven_before_18():
    with pytest.raises(engine.EngineError):
        run_node("Split", [draw((7, 2))], opset=13, n_outputs=3)
