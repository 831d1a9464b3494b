"""Products of 8-bit and block-quantised operands against exact integer arithmetic."""

import engine
import numpy as np
import pytest
from harness import assert_close, one_node, run_node

BYTES = [(a, b) for a in (np.uint8, np.int8) for b in (np.uint8, np.int8)]
SHAPES = [((3, 4), (4, 5)), ((1, 300), (300, 70)), ((2, 3, 65), (65, 7)), ((2, 3, 5, 9), (3, 9, 4)), ((9,), (9,)), ((0, 3), (3, 2)), ((2, 0), (0, 3))]


def draw(rng, shape, dtype):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


def exact(a, b, a_zero=0, b_zero=0):
    return np.matmul(a.astype(np.int64) - a_zero, b.astype(np.int64) - b_zero)


@pytest.mark.parametrize("types", BYTES)
@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
@pytest.mark.parametrize("constants", [(), (1,)])
def test_mat_mul_integer(types, a_shape, b_shape, constants):
    rng = np.random.default_rng(1)
    a, b = draw(rng, a_shape, types[0]), draw(rng, b_shape, types[1])
    az, bz = draw(rng, (), types[0]), draw(rng, (), types[1])
    for inputs in ([a, b], [a, b, az], [a, b, az, bz], [a, b, None, bz]):
        [got] = run_node("MatMulInteger", inputs, opset=10, constants=constants)
        zeros = [int(z) if z is not None else 0 for z in inputs[2:]] + [0, 0]
        np.testing.assert_array_equal(got, exact(a, b, *zeros[:2]).astype(np.int32))
        assert got.dtype == np.int32


def test_zero_points_of_rows_and_columns():
    rng = np.random.default_rng(2)
    a, b = draw(rng, (2, 3, 40), np.uint8), draw(rng, (40, 33), np.int8)
    bz = draw(rng, (33,), np.int8)
    rows = draw(rng, (2, 3, 1), np.uint8)
    [got] = run_node("MatMulInteger", [a, b, rows, bz], opset=10)
    np.testing.assert_array_equal(got, exact(a, b, rows.astype(int), bz.astype(int)))


@pytest.mark.parametrize("types", BYTES)
@pytest.mark.parametrize("per_column", [False, True])
@pytest.mark.parametrize("scale_type", [np.float32, np.float16])
def test_q_linear_mat_mul(types, per_column, scale_type):
    rng = np.random.default_rng(3)
    a, b = draw(rng, (5, 64), types[0]), draw(rng, (64, 19), types[1])
    az, bz = draw(rng, (), types[0]), draw(rng, (19,) if per_column else (), types[1])
    sa = scale_type(0.01)
    sb = (rng.random(19 if per_column else ()) * 0.02 + 0.001).astype(scale_type)
    sy, yz = scale_type(0.5), np.array(3, types[0])
    inputs = [a, np.array(sa), az, b, np.asarray(sb), bz, np.array(sy), yz]
    [got] = run_node("QLinearMatMul", inputs, opset=21)
    scale = np.float32(sa) * sb.astype(np.float32) / np.float32(sy)
    want = np.rint(exact(a, b, int(az), bz.astype(int)).astype(np.float32) * scale) + 3
    info = np.iinfo(types[0])
    np.testing.assert_array_equal(got, np.clip(want, info.min, info.max).astype(types[0]))


def test_q_gemm():
    rng = np.random.default_rng(4)
    a, b = draw(rng, (6, 30), np.uint8), draw(rng, (11, 30), np.int8)
    c = rng.integers(-500, 500, 11).astype(np.int32)
    sa, sb, sy = np.float32(0.02), np.float32(0.03), np.float32(0.7)
    base = [a, sa, np.uint8(7), b, sb, np.int8(-3), c]
    sums = exact(a, b.T, 7, -3) + c
    [real] = run_node("QGemm", base, {"transB": 1, "alpha": 0.5}, opset=1, domain="com.microsoft")
    assert_close(real, sums.astype(np.float32) * (np.float32(0.5) * sa * sb), rtol=1e-6)
    [got] = run_node("QGemm", [*base, sy, np.uint8(100)], {"transB": 1}, opset=1, domain="com.microsoft")
    want = np.clip(np.rint(sums.astype(np.float32) * (sa * sb / sy)) + 100, 0, 255)
    np.testing.assert_array_equal(got, want.astype(np.uint8))


@pytest.mark.parametrize("per_column", [False, True])
def test_float_results(per_column):
    rng = np.random.default_rng(5)
    x, b = rng.standard_normal((2, 5, 48)).astype(np.float32), draw(rng, (48, 21), np.int8)
    sb = (rng.random(21 if per_column else ()) * 0.1).astype(np.float32)
    bz = draw(rng, (21,) if per_column else (), np.int8)
    bias = rng.standard_normal(21).astype(np.float32)
    aq, sa, az = run_node("DynamicQuantizeLinear", [x], n_outputs=3)
    scale = sa * sb
    want = exact(aq, b, int(az), bz.astype(int)).astype(np.float32) * scale + bias
    [one] = run_node("MatMulIntegerToFloat", [aq, b, sa, sb, az, bz, bias], opset=1, domain="com.microsoft")
    np.testing.assert_array_equal(one, want)
    [two] = run_node("DynamicQuantizeMatMul", [x, b, sb, bz, bias], opset=1, domain="com.microsoft", constants=(1,))
    np.testing.assert_array_equal(two, want)


def pack_bits(values, bits):
    flat = values.astype(np.uint8)
    return flat if bits == 8 else (flat[..., 0::2] | (flat[..., 1::2] << 4)).astype(np.uint8)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("zeros", ["none", "packed", "float"])
@pytest.mark.parametrize(("n", "k", "block"), [(7, 64, 16), (130, 96, 32), (65, 50, 32)])
def test_mat_mul_n_bits(bits, zeros, n, k, block):
    rng = np.random.default_rng(6)
    blocks = -(-k // block)
    q = rng.integers(0, 2**bits, (n, blocks, block))
    scales = (rng.random((n, blocks)) * 0.1).astype(np.float32)
    if zeros == "none":
        zp, extra = np.full((n, blocks), 2 ** (bits - 1)), None
    else:
        zp = rng.integers(0, 2**bits, (n, blocks))
        padded = np.pad(zp, ((0, 0), (0, blocks % 2 if bits == 4 else 0)))
        extra = pack_bits(padded, bits).ravel() if zeros == "packed" else zp.astype(np.float32).ravel()
    w = ((q - zp[..., None]) * scales[..., None]).reshape(n, -1)[:, :k]
    x, bias = rng.standard_normal((2, 3, k)).astype(np.float32), rng.standard_normal(n).astype(np.float32)
    attrs = {"K": k, "N": n, "bits": bits, "block_size": block}
    inputs = [x, pack_bits(q, bits), scales.ravel(), extra, None, bias]
    [got] = run_node("MatMulNBits", inputs, attrs, opset=1, domain="com.microsoft", constants=(1, 2, 3, 5))
    assert_close(got, (x.astype(np.float64) @ w.T + bias).astype(np.float32), rtol=1e-4, atol=1e-4)


def test_refusals():
    a, b = np.zeros((2, 4), np.uint8), np.zeros((5, 3), np.uint8)
    with pytest.raises(engine.InvalidModel, match="cannot be multiplied"):
        engine.load(one_node("MatMulInteger", [a, b], opset=10, dynamic=False))
    with pytest.raises(engine.UnsupportedOperator, match="one for each"):
        engine.load(one_node("MatMulInteger", [a, b[:4], np.zeros(3, np.uint8)], opset=10, dynamic=False))
