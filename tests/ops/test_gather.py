"""Gather, GatherElements, GatherND against numpy."""

import engine
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, draw


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gather(dtype, axis):
    x = draw((5, 6, 7), dtype)
    indices = np.array([[0, -1, 2], [4, -5, 3]])
    assert_same(run_all_ways("Gather", [x, indices], {"axis": axis}, constants=(1,))[0], np.take(x, indices, axis))


def test_gather_scalars():
    x = draw((3, 5000))
    for index in (0, 2, -1):
        for dtype in (np.int32, np.int64):
            got = run_all_ways("Gather", [x, np.array(index, dtype)], constants=(1,))[0]
            assert_same(got, x[index])
    assert_same(run_node("Gather", [x, np.zeros((0, 2), np.int64)])[0], np.zeros((0, 2, 5000), np.float32))
    assert_same(run_node("Gather", [np.zeros((0, 3), np.float32), np.zeros((0,), np.int64)])[0], np.zeros((0, 3), np.float32))


@pytest.mark.parametrize("bad", [3, -4, 2**40, -(2**63)])
def test_gather_out_of_range(bad):
    for constants in ((), (1,)):
        with pytest.raises(engine.EngineError, match="out of range"):
            run_node("Gather", [draw((3, 4)), np.array([0, bad, 1])], constants=constants)
    with pytest.raises(engine.EngineError):
        run_node("Gather", [np.zeros((0, 4), np.float32), np.array([0])])


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gather_elements(dtype, axis):
    x = draw((5, 6, 7), dtype)
    indices = np.random.default_rng(0).integers(-5, 5, (5, 6, 7))
    assert_same(run_node("GatherElements", [x, indices], {"axis": axis})[0], np.take_along_axis(x, indices, axis))
    part = indices[:2, :3, :4]
    want = np.take_along_axis(x[tuple(slice(None) if a == axis % 3 else slice(0, part.shape[a]) for a in range(3))], part, axis)
    assert_same(run_all_ways("GatherElements", [x, part], {"axis": axis}, constants=(1,))[0], want)


def test_gather_elements_edges():
    x = draw((40000,))
    indices = np.random.default_rng(0).integers(-40000, 40000, 30001)
    for threads in (1, 2):
        assert_same(run_node("GatherElements", [x, indices.astype(np.int32)], threads=threads)[0], x[indices])
    assert_same(run_node("GatherElements", [draw((3, 4)), np.zeros((0, 4), np.int64)])[0], np.zeros((0, 4), np.float32))
    for indices in (np.array([[5]]), np.array([[0, 0, 0, 0, 0]]), np.array([0])):
        with pytest.raises(engine.EngineError):
            run_node("GatherElements", [draw((3, 4)), indices])


def gather_nd(x, indices, batch):
    outer = indices.shape[:batch]
    x2, i2 = x.reshape(-1, *x.shape[batch:]), indices.reshape(-1, *indices.shape[batch:])
    rows = [b[tuple(np.moveaxis(i, -1, 0))] for b, i in zip(x2, i2, strict=True)]
    return np.array(rows, x.dtype).reshape(*outer, *rows[0].shape)


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize(("batch", "depth"), [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (2, 1)])
def test_gather_nd(dtype, batch, depth):
    x = draw((2, 3, 4), dtype)
    indices = np.random.default_rng(0).integers(-2, 2, (*x.shape[:batch], 5, depth))
    got = run_all_ways("GatherND", [x, indices], {"batch_dims": batch}, constants=(1,))[0]
    assert_same(got, gather_nd(x, indices, batch))


def test_gather_nd_refuses():
    x = draw((2, 3))
    for indices, batch in ((np.array([[2, 0]]), 0), (np.array([[0, 0, 0]]), 0), (np.array([[0]]), 1), (np.array([[0]]), -1)):
        with pytest.raises(engine.EngineError):
            run_node("GatherND", [x, indices], {"batch_dims": batch})
    got = run_node("GatherND", [x, np.array([[1, 2], [0, 0]])], opset=1, domain="com.microsoft")[0]
    assert_same(got, x[[1, 0], [2, 0]])
