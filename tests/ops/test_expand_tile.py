"""Expand and Tile against numpy."""

import engine
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, draw


@pytest.mark.parametrize("dtype", MOVED)
def test_dtypes(dtype):
    x = draw((3, 1, 5), dtype)
    want = np.broadcast_to(x, (2, 3, 4, 5))
    assert_same(run_all_ways("Expand", [x, np.array([2, 1, 4, 1])], constants=(1,))[0], want)
    assert_same(run_all_ways("Tile", [x, np.array([2, 3, 1])], constants=(1,))[0], np.tile(x, (2, 3, 1)))


@pytest.mark.parametrize(
    ("shape", "wanted"), [((3, 1), [1, 4]), ((3, 4), [1]), ((), [2, 3]), ((1,), [0]), ((0, 1), [0, 5]), ((2, 1, 1), [1, 300, 500]), ((3,), [])]
)
def test_expand(shape, wanted):
    x = draw(shape)
    want = np.broadcast_to(x, np.broadcast_shapes(shape, tuple(wanted)))
    assert_same(run_all_ways("Expand", [x, np.array(wanted, np.int64)], constants=(1,))[0], want)


@pytest.mark.parametrize("wanted", [[2], [-1, 3], [2**40, 2**40, 1, 3]])
def test_expand_refuses(wanted):
    for constants in ((), (1,)):
        with pytest.raises(engine.EngineError):
            run_node("Expand", [draw((1, 3)), np.array(wanted)], constants=constants)


@pytest.mark.parametrize(("shape", "repeats"), [((2, 3), [1, 1]), ((2, 3), [0, 2]), ((), []), ((2, 0), [3, 3]), ((70, 90), [3, 5])])
def test_tile(shape, repeats):
    x = draw(shape)
    assert_same(run_all_ways("Tile", [x, np.array(repeats, np.int64)], constants=(1,))[0], np.tile(x, repeats))


def test_tile_refuses():
    for repeats in ([2], [-1, 2], [2**62, 2**62]):
        with pytest.raises(engine.EngineError):
            run_node("Tile", [draw((2, 3)), np.array(repeats)])
