"""Range, ConstantOfShape, Constant, OneHot, Trilu, ReverseSequence and Compress against numpy."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, WIDTHS, draw
from onnx import helper, numpy_helper


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32, np.int64])
@pytest.mark.parametrize(("start", "limit", "delta"), [(3, 9, 3), (10, 4, -2), (0, 5, 2), (5, 5, 1), (5, 0, 1), (0, 20000, 1)])
def test_range(dtype, start, limit, delta):
    args = [np.array(v, dtype) for v in (start, limit, delta)]
    assert_same(run_all_ways("Range", args, constants=(0, 1, 2))[0], np.arange(start, limit, delta, dtype=dtype))


def test_range_edges():
    got = run_node("Range", [np.int64(-(2**63)), np.int64(2**63 - 1), np.int64(2**62)])[0]
    assert_same(got, np.array([-(2**63) + i * 2**62 for i in range(4)], np.int64))
    half = run_node("Range", [np.array(v, np.float16) for v in (0, 3000, 1)], opset=27)[0]
    assert_same(half, np.arange(0, 3000, 1, dtype=np.float32).astype(np.float16))
    for args in ((0, 5, 0), (0, np.inf, 1), (0, 1, 1e-30), (np.nan, 1, 1)):
        with pytest.raises(engine.EngineError):
            run_node("Range", [np.float32(v) for v in args])


@pytest.mark.parametrize("dtype", [d for d in MOVED if d is not np.object_ and np.dtype(d).kind != "c"])
def test_constant_of_shape(dtype):
    value = draw((1,), dtype)
    got = run_all_ways("ConstantOfShape", [np.array([2, 3])], {"value": numpy_helper.from_array(value)}, constants=(0,))[0]
    assert_same(got, np.full((2, 3), value[0], dtype))


def test_constant_of_shape_edges():
    assert_same(run_node("ConstantOfShape", [np.array([3])])[0], np.zeros(3, np.float32))
    assert_same(run_node("ConstantOfShape", [np.zeros(0, np.int64)])[0], np.zeros((), np.float32))
    assert_same(run_node("ConstantOfShape", [np.array([2, 0])])[0], np.zeros((2, 0), np.float32))
    for shape in ([-1], [2**40, 2**40], [1] * 20):
        with pytest.raises(engine.EngineError):
            run_node("ConstantOfShape", [np.array(shape)])


@pytest.mark.parametrize(
    ("attrs", "want"),
    [
        ({"value_float": 1.5}, np.float32(1.5)),
        ({"value_int": -3}, np.int64(-3)),
        ({"value_string": "ab"}, np.array("ab", object)),
        ({"value_floats": [1.0, 2.0]}, np.array([1, 2], np.float32)),
        ({"value_ints": [1, 2, 3]}, np.array([1, 2, 3])),
        ({"value_strings": ["a", "b"]}, np.array(["a", "b"], object)),
        ({"value": numpy_helper.from_array(np.arange(6.0).reshape(2, 3))}, np.arange(6.0).reshape(2, 3)),
    ],
)
def test_constant(attrs, want):
    assert_same(run_node("Constant", [], attrs)[0], want)


@pytest.mark.parametrize("axis", [-1, 0, 1, -2])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float32])
@pytest.mark.parametrize("value_dtype", WIDTHS)
def test_one_hot(axis, dtype, value_dtype):
    indices = np.array([[0, 2, 5], [4, 3, 9]]).astype(dtype)
    if dtype not in (np.uint8,):
        indices[0, 0], indices[1, 0] = -1, -7
    values = draw((2,), value_dtype)
    depth = 6
    want = np.full((2, 3, depth), values[0], values.dtype)
    for at in np.ndindex(indices.shape):
        i = int(indices[at])
        if -depth <= i < depth:
            want[(*at, i)] = values[1]
    want = np.moveaxis(want, -1, axis)
    got = run_all_ways("OneHot", [indices, np.array(depth, np.int64), values], {"axis": axis}, constants=(1,))[0]
    assert_same(got, want)


def test_one_hot_refuses():
    indices, values = np.array([0, 1]), np.array([0, 1], np.float32)
    for depth in (-1, np.nan):
        with pytest.raises(engine.EngineError):
            run_node("OneHot", [indices, np.float32(depth), values])
    with pytest.raises(engine.EngineError):
        run_node("OneHot", [indices, np.int64(3), np.zeros(3, np.float32)])
    got = run_node("OneHot", [np.array([np.nan, np.inf, 1e30], np.float32), np.int64(2), values])[0]
    assert_same(got, np.zeros((3, 2), np.float32))


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [None, 0, 1, -1, 3, -4, 100, -100, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("shape", [(4, 5), (2, 5, 3), (0, 3), (3, 0), (1, 1)])
def test_trilu(upper, k, shape):
    x = draw(shape)
    inputs = [x] if k is None else [x, np.array(k)]
    near = int(np.clip(k or 0, -1000, 1000))
    want = np.triu(x, near) if upper else np.tril(x, near)
    assert_same(run_all_ways("Trilu", inputs, {"upper": upper})[0], want)


@pytest.mark.parametrize("dtype", [d for d in MOVED if d is not np.object_])
def test_trilu_dtypes(dtype):
    x = draw((3, 4), dtype)
    want = np.where(np.triu(np.ones((3, 4), bool)), x, np.zeros((), dtype))
    assert_same(run_node("Trilu", [x])[0], want.astype(dtype))
    assert_same(run_node("Trilu", [x], opset=1, domain="com.microsoft")[0], want.astype(dtype))


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("time_axis", [0, 1])
def test_reverse_sequence(dtype, time_axis):
    x = draw((4, 4, 3), dtype)
    lengths = np.array([4, 0, 2, 1])
    want = x.copy()
    for b, n in enumerate(lengths):
        view, source = (want[:, b], x[:, b]) if time_axis == 0 else (want[b], x[b])
        view[:n] = source[:n][::-1]
    got = run_all_ways("ReverseSequence", [x, lengths], {"time_axis": time_axis, "batch_axis": 1 - time_axis})[0]
    assert_same(got, want)


def test_reverse_sequence_refuses():
    x = draw((3, 2))
    for lengths, attrs in (([4, 1], {}), ([-1, 1], {}), ([1], {}), ([1, 1], {"time_axis": 1})):
        with pytest.raises(engine.EngineError):
            run_node("ReverseSequence", [x, np.array(lengths)], attrs)


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_compress(dtype, axis):
    x = draw((3, 4, 5), dtype)
    for condition in ([True, False, True], [False], [], [True, True, True, True, True, True]):
        condition = np.array(condition, bool)
        n = x.size if axis is None else x.shape[axis]
        want = np.compress(condition[:n], x, axis)
        got = run_node("Compress", [x, condition], {} if axis is None else {"axis": axis})[0]
        assert_same(got, want)


def test_half_constants_keep_their_bits():
    value = np.array([1.25], ml_dtypes.bfloat16)
    got = run_node("ConstantOfShape", [np.array([2])], {"value": helper.make_tensor("v", 16, [1], value.tobytes(), raw=True)})[0]
    assert_same(got, np.repeat(value, 2))
