"""QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear and the quantised operators of com.microsoft."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node
from onnx import TensorProto, helper

BF16 = ml_dtypes.bfloat16
RANGES = {
    np.int8: (-128, 127), np.uint8: (0, 255), np.int16: (-32768, 32767), np.uint16: (0, 65535),
    ml_dtypes.int4: (-8, 7), ml_dtypes.uint4: (0, 15), ml_dtypes.int2: (-2, 1), ml_dtypes.uint2: (0, 3),
}  # fmt: skip
FLOAT8 = [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz]
SMALL_FLOATS = [ml_dtypes.float4_e2m1fn, ml_dtypes.float6_e2m3fn, ml_dtypes.float6_e3m2fn]


def spread(value, shape, axis, block):
    """A scale or zero point as an array that broadcasts to `shape`."""
    value = np.asarray(value)
    if value.ndim == 0 or value.size == 1 and not block:
        return value.reshape(())
    if not block:
        return value.reshape([-1 if d == axis % len(shape) else 1 for d in range(len(shape))])
    return np.take(np.repeat(value, block, axis), np.arange(shape[axis]), axis)


def quantized(x, scale, zero, target, axis=1, block=0):
    y = x.astype(np.float32) / spread(scale, x.shape, axis, block).astype(np.float32)
    if target in RANGES:
        y = np.rint(y) + spread(np.asarray(zero).astype(np.int32), x.shape, axis, block)
        return np.clip(y, *RANGES[target]).astype(np.int32).astype(target)
    top = float(ml_dtypes.finfo(target).max)
    return np.clip(y, -top, top).astype(target)


def dequantized(x, scale, zero, axis=1, block=0):
    y = x.astype(np.float32) - spread(np.asarray(zero).astype(np.float32), x.shape, axis, block)
    return y * spread(scale, x.shape, axis, block).astype(np.float32)


def scales(shape, seed):
    return np.random.default_rng(seed).uniform(0.01, 0.3, shape).astype(np.float32)


LAYOUTS = [
    ((3, 4, 5), (), 1, 0),
    ((3, 4, 5), (1,), 1, 0),
    ((3, 4, 5), (4,), 1, 0),
    ((3, 4, 5), (5,), -1, 0),
    ((3, 4, 5), (3,), 0, 0),
    ((600,), (), 0, 0),
    ((2, 700), (700,), 1, 0),
    ((2, 700), (2,), 0, 0),
    ((3, 10, 4), (3, 4, 4), 1, 3),
    ((3, 10), (3, 3), 1, 4),
    ((7, 6), (2, 6), 0, 4),
    ((0, 4), (4,), 1, 0),
]


@pytest.mark.parametrize(("shape", "scale_shape", "axis", "block"), LAYOUTS)
@pytest.mark.parametrize("target", [*RANGES, *FLOAT8, *SMALL_FLOATS], ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("constant", [False, True])
def test_layouts(shape, scale_shape, axis, block, target, constant):
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(shape) * 4).astype(np.float32)
    scale = scales(scale_shape, 2)
    low, high = RANGES.get(target, (0, 0))
    zero = rng.integers(low, high, scale_shape, endpoint=True).astype(np.int32).astype(target)
    attrs = {"axis": axis, "block_size": block}
    constants = (1, 2) if constant else ()
    want = quantized(x, scale, zero, target, axis, block)
    got = run_node("QuantizeLinear", [x, scale, zero], attrs, opset=28, constants=constants)[0]
    assert_same(got.view(np.uint8), want.view(np.uint8))
    back = run_node("DequantizeLinear", [got, scale, zero], attrs, opset=28, constants=constants)[0]
    assert_close(back, dequantized(got, scale, zero, axis, block), rtol=0, atol=0)


@pytest.mark.parametrize("version", [10, 13, 19, 21, 23, 24, 25, 28])
def test_versions(version):
    x, scale, zero = np.array([-1, 0, 0.024, 0.026, 0.5, 1e9, -1e9], np.float32), np.float32(0.05), np.uint8(128)
    got = run_node("QuantizeLinear", [x, scale, zero], opset=version)[0]
    assert_same(got, quantized(x, scale, zero, np.uint8))
    assert_same(run_node("QuantizeLinear", [x, scale], opset=version)[0], quantized(x, scale, np.uint8(0), np.uint8))
    assert_close(run_node("DequantizeLinear", [got, scale, zero], opset=version)[0], dequantized(got, scale, zero), rtol=0, atol=0)
    assert_close(run_node("DequantizeLinear", [got, scale], opset=version)[0], dequantized(got, scale, 0), rtol=0, atol=0)


def test_ties_go_to_even():
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, -128.5], np.float32)
    assert run_node("QuantizeLinear", [x, np.float32(1), np.int8(0)])[0].tolist() == [0, 2, 2, 0, -2, 126, 127, -128]


def test_infinities_saturate_and_nan_is_zero():
    x = np.array([np.inf, -np.inf, np.nan], np.float32)
    assert run_node("QuantizeLinear", [x, np.float32(1), np.int8(0)])[0].tolist() == [127, -128, 0]


@pytest.mark.parametrize("dtype", [np.float16, BF16, np.int32])
def test_other_data_types(dtype):
    x = np.arange(-40, 40).astype(dtype)
    scale = np.float32(3)
    assert_same(run_node("QuantizeLinear", [x, scale, np.int8(5)], opset=23)[0], quantized(x, scale, np.int8(5), np.int8))


@pytest.mark.parametrize("dtype", [np.float16, BF16])
def test_precision_of_the_division(dtype):
    x = np.linspace(-3, 3, 5000).astype(dtype)
    scale = np.asarray(0.0123, dtype)
    quotient = (x.astype(np.float32) / scale.astype(np.float32)).astype(dtype)
    want = np.clip(np.rint(quotient.astype(np.float32)) + 3, -32768, 32767).astype(np.int16)
    assert_same(run_node("QuantizeLinear", [x, scale, np.int16(3)], opset=23)[0], want)
    exact = x.astype(np.float32) / scale.astype(np.float32)
    want = np.clip(np.rint(exact) + 3, -32768, 32767).astype(np.int16)
    attrs = {"precision": TensorProto.FLOAT}
    assert_same(run_node("QuantizeLinear", [x, scale, np.int16(3)], attrs, opset=23)[0], want)


def test_output_types():
    x = np.array([1, 2, 300], np.float32)
    got = run_node("QuantizeLinear", [x, np.float32(1)], {"output_dtype": TensorProto.INT16}, opset=21)[0]
    assert_same(got, x.astype(np.int16))
    with pytest.raises(engine.EngineError, match="output_dtype"):
        run_node("QuantizeLinear", [x, np.float32(1), np.int8(0)], {"output_dtype": TensorProto.INT16}, opset=21)
    q = np.array([1, -2, 3], np.int8)
    for dtype in (np.float32, np.float16, BF16):
        scale = np.asarray(0.1, dtype)
        want = (q.astype(np.float32) * scale.astype(np.float32)).astype(dtype)
        assert_close(run_node("DequantizeLinear", [q, scale], opset=19)[0], want, rtol=0, atol=0)
        attrs = {"output_dtype": helper.np_dtype_to_tensor_dtype(np.dtype(dtype))}
        want = (q.astype(np.float32) * np.float32(0.1)).astype(dtype)
        assert_close(run_node("DequantizeLinear", [q, np.float32(0.1)], attrs, opset=23)[0], want, rtol=0, atol=0)


def test_int32_data():
    x = np.array([2**31 - 1, -(2**31), 0, 77], np.int32)
    assert_close(run_node("DequantizeLinear", [x, np.float32(0.5)])[0], x.astype(np.float32) * np.float32(0.5), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("shape", "scale", "attrs"),
    [((2, 3), (2,), {}), ((2, 3), (3,), {"axis": 5}), ((2, 3), (2, 2), {}), ((2, 3), (2, 1), {"block_size": 2}), ((2, 3), (2, 2), {"block_size": -1})],
)
@pytest.mark.parametrize("dynamic", [False, True])
def test_scales_that_do_not_fit(shape, scale, attrs, dynamic):
    for name, dtype in (("QuantizeLinear", np.float32), ("DequantizeLinear", np.int8)):
        with pytest.raises((engine.InvalidModel, engine.InvalidInput)):
            run_node(name, [np.zeros(shape, dtype), np.ones(scale, np.float32)], attrs, opset=21, dynamic=dynamic)


@pytest.mark.parametrize("shape", [(), (5,), (3, 1000), (0,)])
@pytest.mark.parametrize("offset", [0, 3, -3])
def test_dynamic_quantize(shape, offset):
    x = (np.random.default_rng(3).standard_normal(shape) + offset).astype(np.float32)
    low, high = np.min(x, initial=0), np.max(x, initial=0)
    scale = np.float32((np.float32(high) - np.float32(low)) / np.float32(255)) or np.float32(1)
    zero = np.uint8(np.rint(np.clip(np.float32(0) - np.float32(low) / scale, 0, 255)))
    got = run_node("DynamicQuantizeLinear", [x], opset=11, n_outputs=3)
    assert_same(got[1], scale)
    assert_same(got[2], zero)
    assert_same(got[0], quantized(x, scale, zero, np.uint8))


def test_dynamic_quantize_of_zeros():
    y, scale, zero = run_node("DynamicQuantizeLinear", [np.zeros(4, np.float32)], opset=11, n_outputs=3)
    assert (y.tolist(), float(scale), int(zero)) == ([0, 0, 0, 0], 1.0, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(("a_shape", "b_shape"), [((3, 700), (3, 700)), ((3, 700), (700,)), ((3, 1), (1, 5)), ((4,), ())])
def test_quantized_binary(dtype, a_shape, b_shape):
    rng = np.random.default_rng(5)
    low, high = RANGES[dtype]
    a, b = (rng.integers(low, high, s, endpoint=True).astype(dtype) for s in (a_shape, b_shape))
    sa, sb, sc = np.float32(0.02), np.float32(0.03), np.float32(0.05)
    za, zb, zc = dtype(3), dtype(100), dtype(7)
    for name, twin in (("QLinearAdd", np.add), ("QLinearMul", np.multiply)):
        want = quantized(twin(dequantized(a, sa, za), dequantized(b, sb, zb)), sc, zc, dtype)
        got = run_node(name, [a, sa, za, b, sb, zb, sc, zc], opset=1, domain="com.microsoft")[0]
        assert_same(got, want)
        want = quantized(twin(dequantized(a, sa, 0), dequantized(b, sb, 0)), sc, dtype(0), dtype)
        assert_same(run_node(name, [a, sa, None, b, sb, None, sc], opset=1, domain="com.microsoft")[0], want)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_quantized_unary(dtype):
    x = np.arange(256).astype(np.uint8).view(dtype)
    sx, zx, sy, zy = np.float32(0.05), dtype(10), np.float32(1 / 256), dtype(0)
    wide = dequantized(x, sx, zx).astype(np.float64)
    got = run_node("QLinearSigmoid", [x, sx, zx, sy, zy], opset=1, domain="com.microsoft")[0]
    assert_same(got, quantized(1 / (1 + np.exp(-wide)), sy, zy, dtype))
    want = quantized(np.where(wide < 0, 0.25 * wide, wide), np.float32(0.05), zx, dtype)
    got = run_node("QLinearLeakyRelu", [x, sx, zx, np.float32(0.05), zx], {"alpha": 0.25}, opset=1, domain="com.microsoft")[0]
    assert_same(got, want)


def test_microsoft_aliases():
    x, scale, zero = np.linspace(-5, 5, 60, dtype=np.float32).reshape(3, 20), scales((20,), 4), np.zeros(20, np.int8)
    q = run_node("QuantizeLinear", [x, scale, zero], {"axis": 1}, opset=1, domain="com.microsoft")[0]
    assert_same(q, quantized(x, scale, zero, np.int8))
    assert_close(run_node("DequantizeLinear", [q, scale, zero], {"axis": 1}, opset=1, domain="com.microsoft")[0], dequantized(q, scale, zero))
