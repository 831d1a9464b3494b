"""Transpose, DepthToSpace and SpaceToDepth against numpy."""

import itertools

import engine
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, WIDTHS, draw


@pytest.mark.parametrize("dtype", MOVED)
def test_dtypes(dtype):
    x = draw((3, 5, 7), dtype)
    for perm in itertools.permutations(range(3)):
        assert_same(run_node("Transpose", [x], {"perm": list(perm)})[0], x.transpose(perm))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 3, 1, 5), (17, 1, 33, 2), (2, 0, 3, 4), (4, 4, 4, 4)])
def test_all_orders(shape):
    x = draw(shape)
    for perm in itertools.permutations(range(4)):
        assert_same(run_node("Transpose", [x], {"perm": list(perm)}, dynamic=False)[0], x.transpose(perm))
    assert_same(run_all_ways("Transpose", [x])[0], x.T)


@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("shape", [(100, 130), (1, 70), (3, 2000), (2000, 3), (33, 65), (1200, 40)])
def test_matrices(shape, dtype):
    x = draw(shape, dtype)
    assert_same(run_node("Transpose", [x])[0], x.T)


def test_threads_give_one_answer():
    x = draw((40, 50, 60))
    for threads in (1, 2):
        assert_same(run_node("Transpose", [x], {"perm": [2, 0, 1]}, threads=threads)[0], x.transpose(2, 0, 1))


@pytest.mark.parametrize("perm", [[0], [0, 0], [0, 2], [1, -3]])
def test_refuses(perm):
    with pytest.raises(engine.EngineError):
        run_node("Transpose", [draw((2, 3))], {"perm": perm})


def depth_to_space(x, b, mode):
    n, c, h, w = x.shape
    if mode == "DCR":
        t = x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        t = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return t.reshape(n, c // b**2, h * b, w * b)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize(("shape", "block"), [((2, 8, 3, 5), 2), ((1, 9, 4, 4), 3), ((2, 5, 3, 4), 1), ((0, 4, 2, 2), 2)])
def test_space_and_depth(mode, dtype, shape, block):
    x = draw(shape, dtype)
    y = depth_to_space(x, block, mode)
    assert_same(run_all_ways("DepthToSpace", [x], {"blocksize": block, "mode": mode})[0], y)
    if mode == "DCR":
        assert_same(run_all_ways("SpaceToDepth", [y], {"blocksize": block})[0], x)


def test_space_and_depth_refuse():
    for op, shape in [("DepthToSpace", (1, 5, 2, 2)), ("SpaceToDepth", (1, 4, 3, 2)), ("DepthToSpace", (4, 2, 2))]:
        with pytest.raises(engine.EngineError):
            run_node(op, [draw(shape)], {"blocksize": 2})
    with pytest.raises(engine.EngineError):
        run_node("DepthToSpace", [draw((1, 4, 2, 2))], {"blocksize": 0})
