"""Cast, CastLike and BitCast between every pair of element types."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node
from onnx import TensorProto, helper

FLOATS = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
SUB_BYTE = [ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2]
FLOAT8 = [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz]
SMALL_FLOATS = [ml_dtypes.float4_e2m1fn, ml_dtypes.float6_e2m3fn, ml_dtypes.float6_e3m2fn]
ALL = [*FLOATS, *INTEGERS, np.bool_, *SUB_BYTE, *FLOAT8, *SMALL_FLOATS]
OPSET = 28


def onnx_type(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def cast(x, dtype, opset=OPSET, **attrs):
    return run_node("Cast", [x], {"to": onnx_type(dtype), **attrs}, opset=opset)[0]


def every_value(dtype):
    """All values of a narrow type, a sample of a wide one."""
    dtype = np.dtype(dtype)
    if dtype == np.bool_:
        return np.array([False, True])
    if dtype in [np.dtype(d) for d in SUB_BYTE]:
        bits = 4 if "4" in dtype.name else 2
        low = 0 if dtype.name.startswith("u") else -(1 << (bits - 1))
        return np.arange(low, low + (1 << bits)).astype(dtype)
    if dtype.itemsize == 1:
        bits = {"float4_e2m1fn": 4, "float6_e2m3fn": 6, "float6_e3m2fn": 6}.get(dtype.name, 8)
        return np.arange(1 << bits, dtype=np.uint8).view(dtype)
    if dtype.itemsize == 2:
        return np.arange(1 << 16, dtype=np.uint16).view(dtype)
    rng = np.random.default_rng(1)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.concatenate([np.arange(-300, 300).astype(dtype), rng.integers(info.min, info.max, 2000, dtype, endpoint=True)])
    special = np.array([0, -0.0, np.nan, np.inf, -np.inf, 1e-45, 3.4e38, 65504, 65519.99, 65520, 448, 464, 57344, 61440])
    return np.concatenate([special, rng.standard_normal(2000) * np.exp(rng.uniform(-40, 40, 2000))]).astype(dtype)


def is_integer(dtype):
    return np.dtype(dtype).kind in "iu" or "int" in np.dtype(dtype).name


def fits(x, target):
    """Where the value, truncated, is one of the integer type: elsewhere ONNX leaves the result open."""
    wide = np.trunc(x.astype(np.float64))
    name = np.dtype(target).name
    bits = int("".join(c for c in name if c.isdigit()))
    low, high = (0.0, 2.0**bits) if name.startswith("u") else (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1))
    return (wide >= low) & (wide < high)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("source", ALL, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("target", ALL, ids=lambda d: np.dtype(d).name)
def test_every_pair(source, target):
    x = every_value(source)
    floating = not is_integer(source) and np.dtype(source) != np.bool_
    if is_integer(target) and floating:
        x = x[fits(x, target)]
        want = np.trunc(x.astype(np.float64)).astype(np.int64 if np.dtype(target) != np.uint64 else np.uint64).astype(target)
    elif target in SUB_BYTE:
        want = x.astype(np.int64).astype(target)
    elif target in FLOAT8 and target is not source:
        want = saturated(x, target)
    elif target in SMALL_FLOATS:
        x = x[~np.isnan(x.astype(np.float64))]
        want = x.astype(np.float32).astype(target)
    elif np.dtype(target) == np.bool_:
        want = x.astype(np.float64) != 0
    else:
        want = x.astype(target)
    got = cast(x, target)
    if is_integer(target) or np.dtype(target) == np.bool_:
        assert_same(got, want)
    else:
        assert_close(got, want, rtol=0, atol=0)
        keep = ~np.isnan(want.astype(np.float64))
        assert (np.signbit(got.astype(np.float64)) == np.signbit(want.astype(np.float64)))[keep].all()


def saturated(x, target):
    wide = x.astype(np.float32) if np.dtype(x.dtype) != np.float64 else x
    top = float(ml_dtypes.finfo(target).max)
    with np.errstate(all="ignore"):
        return np.where(np.isnan(wide), wide, np.clip(wide, -top, top)).astype(target)


@pytest.mark.parametrize("target", FLOAT8, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("source", [np.float32, np.float16], ids=lambda d: np.dtype(d).name)
def test_without_saturation(source, target):
    x = np.array([0, -0.0, 1, 448, 449, 464, 465, 480, 57344, 61439, 61440, 1e9, -1e9, np.inf, -np.inf, np.nan])
    with np.errstate(all="ignore"):
        x = x.astype(source)
        want = x.astype(np.float32).astype(target)
    assert_close(cast(x, target, saturate=0), want, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("mode", "want"),
    [("up", [127, 128, 128, 128, 254, 0, 1]), ("down", [127, 127, 127, 128, 254, 0, 0]), ("nearest", [127, 127, 128, 128, 254, 0, 0])],
)
def test_e8m0(mode, want):
    x = np.array([1, 1.25, 1.5, 2, 3.3e38, 0, 1e-39], np.float32)
    got = cast(x, ml_dtypes.float8_e8m0fnu, round_mode=mode)
    assert got.view(np.uint8).tolist() == want
    assert np.isnan(cast(np.array([np.nan], np.float32), ml_dtypes.float8_e8m0fnu).astype(np.float32)).all()
    codes = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e8m0fnu)
    assert_close(cast(codes, np.float32), codes.astype(np.float32), rtol=0, atol=0)


def test_float_out_of_range_of_an_integer_is_the_same_on_every_run():
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 300.5, -1.0] * 40, np.float32)
    for target in INTEGERS:
        assert_same(cast(x, target), cast(x, target))
        assert_same(cast(x[:7], target), cast(x, target)[:7])


def test_numbers_to_strings():
    x = np.array([0.0, -0.0, 1.0, 100.5, 0.1, 1e-5, 1e16, 1.5e-7, 123456.79, np.inf, -np.inf, np.nan])
    for dtype in (np.float32, np.float64, np.float16):
        with np.errstate(over="ignore"):
            y = x.astype(dtype)
        got = run_node("Cast", [y], {"to": TensorProto.STRING})[0]
        assert got.tolist() == [str(v) for v in y]
    for dtype in INTEGERS:
        y = np.array([0, 1, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)
        assert run_node("Cast", [y], {"to": TensorProto.STRING})[0].tolist() == [str(v) for v in y]


def test_random_floats_survive_strings():
    bits = np.random.default_rng(5).integers(0, 1 << 32, 5000, dtype=np.uint32)
    x = bits.view(np.float32)
    x = x[np.isfinite(x)]
    text = run_node("Cast", [x], {"to": TensorProto.STRING})[0]
    assert_same(run_node("Cast", [text], {"to": TensorProto.FLOAT})[0], x)


def test_strings_to_numbers():
    text = np.array(["3.14", "1000", "1e-5", "1E8", "+INF", "INF", "-inf", "NaN", " 7 ", "+2", "-0.5", "1e400", "1e-400"], object)
    want = np.array([3.14, 1000, 1e-5, 1e8, np.inf, np.inf, -np.inf, np.nan, 7, 2, -0.5, np.inf, 0])
    for dtype in (np.float32, np.float64):
        assert_close(run_node("Cast", [text], {"to": onnx_type(dtype)})[0], want.astype(dtype), rtol=0, atol=0)
    numbers = np.array(["9223372036854775807", "-9223372036854775808", "12", "100.5", "-7.9"], object)
    assert run_node("Cast", [numbers], {"to": TensorProto.INT64})[0].tolist() == [2**63 - 1, -(2**63), 12, 100, -7]
    assert run_node("Cast", [np.array(["18446744073709551615"], object)], {"to": TensorProto.UINT64})[0].tolist() == [2**64 - 1]
    assert run_node("Cast", [np.array(["0", "2"], object)], {"to": TensorProto.BOOL})[0].tolist() == [False, True]


@pytest.mark.parametrize("word", ["Hello World!", "", "1.2.3", "0x10", "+-1", "1e", "nanx", "nan(1)"])
@pytest.mark.parametrize("target", [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64])
def test_text_that_is_no_number(word, target):
    with pytest.raises(engine.InvalidInput, match="element 1"):
        run_node("Cast", [np.array(["1", word], object)], {"to": target})


def test_cast_like():
    x = np.array([1.5, -2.5], np.float32)
    for version in (15, 19, 21, 23, 24, 25):
        assert_same(run_node("CastLike", [x, np.zeros(3, np.int16)], opset=version)[0], x.astype(np.int16))
    assert run_node("CastLike", [x, np.array(["s"], object)])[0].tolist() == ["1.5", "-2.5"]


def test_shapes_and_versions():
    for version in (6, 9, 13, 19, 21, 23, 24, 25, 28):
        for shape in [(), (0, 3), (2, 3), (1025,)]:
            assert_same(cast(np.ones(shape, np.float32), np.int64, opset=version), np.ones(shape, np.int64))


def test_unknown_target_is_refused():
    with pytest.raises(engine.EngineError, match="to is 99"):
        run_node("Cast", [np.ones(2, np.float32)], {"to": 99})
    with pytest.raises(engine.UnsupportedOperator, match="complex64"):
        run_node("Cast", [np.ones(2, np.float32)], {"to": TensorProto.COMPLEX64})


@pytest.mark.parametrize(
    ("source", "target"),
    [(np.float32, np.int32), (np.float64, np.uint64), (np.float16, ml_dtypes.bfloat16), (np.uint8, np.int8), (np.complex64, np.int64),
     (ml_dtypes.int4, ml_dtypes.uint4), (np.int8, ml_dtypes.float8_e5m2)],
)  # fmt: skip
def test_bit_cast(source, target):
    x = np.arange(8).reshape(2, 4).astype(source)
    got = run_node("BitCast", [x], {"to": onnx_type(target)}, opset=26)[0]
    assert_same(got, x.view(target))


def test_bit_cast_needs_one_width():
    with pytest.raises(engine.EngineError, match="bits"):
        run_node("BitCast", [np.ones(2, np.float32)], {"to": TensorProto.INT64}, opset=26)
