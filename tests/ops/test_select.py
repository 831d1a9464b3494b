"""TopK, ArgMax, ArgMin, Hardmax and Unique against numpy."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import draw, draw_numbers

NUMBERS = [
    np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16,
    np.uint32, np.uint64,
]  # fmt: skip


def top_k(x, k, axis, largest):
    order = x.astype(np.float64) if x.dtype.kind not in "iu" else x.astype(object)
    if largest:
        order = -order
    index = np.argsort(order, axis=axis, kind="stable").take(range(k), axis)
    return np.take_along_axis(x, index, axis), index.astype(np.int64)


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("largest", [0, 1])
def test_top_k(dtype, axis, largest):
    x = draw_numbers((9, 8, 10), dtype)
    for k in (0, 1, 3, 8):
        got = run_node("TopK", [x, np.array([k])], {"axis": axis, "largest": largest}, n_outputs=2)
        for y, want in zip(got, top_k(x, k, axis, largest), strict=True):
            assert_same(y, want)


@pytest.mark.parametrize(("n", "k"), [(5000, 5), (5000, 4000), (100000, 20), (100000, 700), (100000, 99000), (600000, 100)])
def test_top_k_long(n, k):
    x = draw_numbers((1, n), np.float32, low=-1000, high=1000)
    for threads in (1, 2):
        got = run_node("TopK", [x, np.array([k])], n_outputs=2, threads=threads)
        for y, want in zip(got, top_k(x, k, 1, 1), strict=True):
            assert_same(y, want)


def test_top_k_versions_and_special():
    x = np.array([1, np.nan, -np.inf, np.inf, -0.0, 0.0], np.float32)
    values, index = run_all_ways("TopK", [x, np.array([6])], n_outputs=2, constants=(1,))
    assert index.tolist() == [1, 3, 0, 4, 5, 2]
    assert np.signbit(values[3])
    _, index = run_node("TopK", [x, np.array([6])], {"largest": 0}, n_outputs=2)
    assert index.tolist() == [2, 4, 5, 0, 3, 1]
    y = draw((4, 5))
    assert_same(run_node("TopK", [y], {"k": 2}, opset=9, n_outputs=2)[0], top_k(y, 2, -1, True)[0])
    for k in (6, -1):
        with pytest.raises(engine.EngineError):
            run_node("TopK", [y, np.array([k])], n_outputs=2)


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("shape", [(7, 5, 6), (3, 1, 50), (40, 3, 70), (2, 300, 2), (1, 1, 1)])
def test_arg(dtype, op, shape):
    x = draw_numbers(shape, dtype)
    wide = x.astype(np.float64)
    find = np.argmax if op == "ArgMax" else np.argmin
    for axis in (0, 1, -1):
        for keep in (0, 1):
            want = find(wide, axis, keepdims=bool(keep))
            assert_same(run_node(op, [x], {"axis": axis, "keepdims": keep}, dynamic=False)[0], want)
        last = x.shape[axis] - 1 - find(np.flip(wide, axis), axis, keepdims=True)
        assert_same(run_node(op, [x], {"axis": axis, "select_last_index": 1})[0], last)


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
def test_arg_long_and_special(op):
    find = np.argmax if op == "ArgMax" else np.argmin
    for x in (draw_numbers((100000,), np.float32), draw_numbers((40000, 3), np.int32, low=-5, high=5)):
        assert_same(run_node(op, [x], {"axis": 0, "keepdims": 0})[0], find(x, 0))
        last = x.shape[0] - 1 - find(x[::-1], 0)
        assert_same(run_node(op, [x], {"axis": 0, "keepdims": 0, "select_last_index": 1})[0], last)
    for n in (5, 33, 100):
        x = draw((n,))
        x[n // 2] = x[n - 1] = np.nan
        assert_same(run_node(op, [x], {"keepdims": 0})[0], find(x))
    assert_same(run_node(op, [np.zeros((0, 3), np.float32)], {"axis": 1})[0], np.zeros((0, 1), np.int64))
    with pytest.raises(engine.EngineError):
        run_node(op, [np.zeros((0, 3), np.float32)], {"axis": 0})


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_hardmax(dtype, axis):
    x = draw_numbers((3, 4, 5), dtype)
    want = np.zeros_like(x)
    np.put_along_axis(want, np.argmax(x.astype(float), axis, keepdims=True), dtype(1), axis)
    assert_same(run_all_ways("Hardmax", [x], {"axis": axis})[0], want)
    flat = x.reshape(int(np.prod(x.shape[: axis % 3])), -1)
    want = np.zeros_like(flat)
    want[np.arange(len(flat)), flat.astype(float).argmax(1)] = 1
    assert_same(run_node("Hardmax", [x], {"axis": axis}, opset=11)[0], want.reshape(x.shape))


def unique(x, axis, keep_order):
    y, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if keep_order:
        order = np.argsort(first)
        number = np.argsort(order)
        y = np.take(y, order, 0 if axis is None else axis)
        first, counts, inverse = first[order], counts[order], number[inverse]
    return y, first.astype(np.int64), inverse.astype(np.int64), counts.astype(np.int64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.int64, np.uint64, np.bool_, np.complex64, np.object_])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("ordered", [0, 1])
def test_unique(dtype, axis, ordered):
    if dtype is np.object_ and axis is not None:
        x = np.array([["b", "a", "b"], ["a", "c", "a"], ["b", "a", "b"]], object)
        codes = np.array([[1, 0, 1], [0, 2, 0], [1, 0, 1]])
        want = unique(codes, axis, not ordered)
        names = np.array(["a", "b", "c"], object)
        want = (names[want[0]], *want[1:])
    else:
        x = draw_numbers((4, 3, 5), np.float64 if dtype is np.object_ else dtype, low=-1, high=2)
        x = x.astype(str).astype(object) if dtype is np.object_ else x.astype(dtype)
        want = unique(x.astype(str) if dtype is np.object_ else x, axis, not ordered)
    attrs = {"sorted": ordered} | ({} if axis is None else {"axis": axis})
    for y, w in zip(run_node("Unique", [x], attrs, n_outputs=4), want, strict=True):
        assert_same(y, w.astype(object) if dtype is np.object_ and w.dtype.kind == "U" else w)


@pytest.mark.parametrize("ordered", [0, 1])
def test_unique_long(ordered):
    x = draw_numbers((50001,), np.int64, low=-3000, high=3000)
    for threads in (1, 2):
        got = run_node("Unique", [x], {"sorted": ordered}, n_outputs=4, threads=threads)
        for y, w in zip(got, unique(x, None, not ordered), strict=True):
            assert_same(y, w)


def test_unique_special():
    x = np.array([np.nan, 0.0, -0.0, np.nan, -np.inf], np.float32)
    y, first, inverse, counts = run_node("Unique", [x], n_outputs=4)
    assert_same(y, np.array([-np.inf, 0, np.nan], np.float32))
    assert (first.tolist(), inverse.tolist(), counts.tolist()) == ([4, 1, 0], [2, 1, 1, 2, 0], [1, 2, 2])
    assert_same(run_node("Unique", [np.zeros(0, np.float32)])[0], np.zeros(0, np.float32))
    y, inverse, counts = run_node("Unique", [np.array([3.0, 1, 3], np.float32)], opset=1, domain="com.microsoft", n_outputs=3)
    assert (y.tolist(), inverse.tolist(), counts.tolist()) == ([3, 1], [0, 1, 0], [2, 1])
