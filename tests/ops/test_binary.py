"""Operators of two broadcast inputs against numpy."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node

BF16 = ml_dtypes.bfloat16
FLOATS = [np.float32, np.float64, np.float16, BF16]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
SHAPES = [
    ((), ()),
    ((5,), ()),
    ((), (5,)),
    ((7, 3), (3,)),
    ((7, 1), (1, 9)),
    ((2, 3, 4, 5), (3, 1, 1)),
    ((4, 5), (2, 3, 4, 5)),
    ((2, 1, 4, 1, 6), (1, 3, 1, 5, 6)),
    ((0, 3), (1, 3)),
    ((1, 1), (1,)),
    ((3, 700), (3, 1)),
    ((1, 700), (700,)),
]


def numbers(dtype, shape, seed, low=-50, high=50):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "u":
        low = max(low, 0)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(low, high, shape).astype(dtype)
    return (rng.standard_normal(shape) * 3).astype(dtype)


def full_range(dtype, n, seed):
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max, n, dtype=dtype, endpoint=True)


@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
@pytest.mark.parametrize("dynamic", [False, True])
def test_broadcasting(a_shape, b_shape, dynamic):
    for dtype in (np.float32, np.int64, np.float16):
        a, b = numbers(dtype, a_shape, 1), numbers(dtype, b_shape, 2)
        assert_same(run_node("Sub", [a, b], dynamic=dynamic)[0], np.asarray(a - b))
        assert_same(run_node("Less", [a, b], dynamic=dynamic)[0], np.asarray(a < b))


@pytest.mark.parametrize("inner", [1, 2, 3, 16, 63, 64, 65])
@pytest.mark.parametrize("repeats", [3, 4, 19, 1500])
@pytest.mark.parametrize("lead", [(), (5,), (2, 3)])
def test_short_runs_that_repeat(inner, repeats, lead):
    for dtype in (np.float32, np.float64, np.int8, np.float16):
        whole, short = numbers(dtype, (*lead, repeats, inner), 1), numbers(dtype, (*lead, 1, inner), 2)
        for threads in (1, 2):
            assert_same(run_node("Sub", [whole, short], threads=threads)[0], whole - short)
            assert_same(run_node("Sub", [short, whole], threads=threads)[0], short - whole)
        assert_same(run_node("Less", [short, whole], threads=2)[0], short < whole)


def test_shapes_that_do_not_broadcast():
    with pytest.raises(engine.InvalidModel, match="broadcast"):
        run_node("Add", [np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32)], dynamic=False)
    with pytest.raises(engine.InvalidInput, match="broadcast"):
        run_node("Add", [np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32)])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("version", [7, 13, 14])
def test_float_arithmetic(name, dtype, version):
    twin = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}[name]
    special = np.array([0, -0.0, 1, -2, np.inf, -np.inf, np.nan]).astype(dtype)
    for a, b in [
        (numbers(dtype, (3, 333), 1), numbers(dtype, (3, 333), 2)),
        (special[:, None], special[None, :]),
        (numbers(dtype, (3, 333), 1), np.asarray(numbers(dtype, (), 2))),
    ]:
        with np.errstate(all="ignore"):
            want = twin(a.astype(np.float64), b.astype(np.float64)) if dtype == BF16 else twin(a, b)
        got = run_node(name, [a, b], opset=version)[0]
        assert_close(got, want.astype(dtype), rtol=0, atol=0)
        assert (np.signbit(got.astype(np.float64)) == np.signbit(want.astype(np.float64)))[~np.isnan(want.astype(np.float64))].all()


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_arithmetic_wraps(dtype):
    a, b = full_range(dtype, 999, 1), full_range(dtype, 999, 2)
    with np.errstate(over="ignore"):
        assert_same(run_node("Add", [a, b])[0], a + b)
        assert_same(run_node("Sub", [a, b])[0], a - b)
        assert_same(run_node("Mul", [a, b])[0], a * b)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_division_truncates(dtype):
    a, b = full_range(dtype, 999, 1), full_range(dtype, 999, 2)
    b[b == 0] = 1
    b[:200] = numbers(dtype, 200, 3, 1, 9)
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    want = np.array([abs(p) // abs(q) * (1 if (p < 0) == (q < 0) else -1) for p, q in pairs], dtype=object)
    assert_same(run_node("Div", [a, b])[0], want.astype(dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(("name", "attrs"), [("Div", {}), ("Mod", {}), ("Mod", {"fmod": 1})])
def test_integer_zero_divisor_is_an_error(dtype, name, attrs):
    a, b = np.arange(1, 6).astype(dtype), np.array([1, 2, 0, 3, 4]).astype(dtype)
    with pytest.raises(engine.InvalidInput, match="division by zero"):
        run_node(name, [a, b], attrs)
    assert run_node(name, [a[:0], b[2:3]], attrs)[0].size == 0


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_smallest_integer_over_minus_one(dtype):
    a, b = np.array([np.iinfo(dtype).min]), np.array([-1]).astype(dtype)
    assert_same(run_node("Div", [a.astype(dtype), b])[0], a.astype(dtype))
    assert_same(run_node("Mod", [a.astype(dtype), b])[0], np.zeros(1, dtype))


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
@pytest.mark.parametrize("fmod", [0, 1])
def test_mod(dtype, fmod):
    a, b = numbers(dtype, 500, 1), numbers(dtype, 500, 2, -9, 9)
    b[b == 0] = 3
    twin = np.fmod if fmod else np.mod
    wide = np.float64 if dtype == BF16 else np.float32 if dtype == np.float16 else dtype
    want = twin(a.astype(wide), b.astype(wide)).astype(dtype)
    for version in (10, 13, 28):
        assert_close(run_node("Mod", [a, b], {"fmod": fmod}, opset=version)[0], want, rtol=1e-6)


def test_mod_of_special_values():
    x = np.array([0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan], np.float32)
    a, b = (v.reshape(-1) for v in np.meshgrid(x, x))
    with np.errstate(all="ignore"):
        for fmod, twin in ((0, np.mod), (1, np.fmod)):
            assert_same(run_node("Mod", [a, b], {"fmod": fmod})[0], twin(a, b))


@pytest.mark.parametrize("version", [7, 12, 13, 15])
def test_pow_of_floats(version):
    a = np.abs(numbers(np.float32, (4, 50), 1))
    b = numbers(np.float32, (50,), 2) / 2
    assert_close(run_node("Pow", [a, b], opset=version)[0], np.power(a, b))
    special = np.array([0.0, -0.0, 1, -1, 2, -2, 0.5, np.inf, -np.inf, np.nan], np.float32)
    with np.errstate(all="ignore"):
        want = np.power(special[:, None], special[None, :])
    assert_close(run_node("Pow", [special[:, None], special[None, :]], opset=version)[0], want)


@pytest.mark.parametrize("base", [np.int32, np.int64, *FLOATS])
@pytest.mark.parametrize("exponent", [*INTEGERS, *FLOATS])
def test_pow_of_mixed_types(base, exponent):
    a = np.array([1, 2, 3, 4, 5, 7]).astype(base)
    b = np.array([0, 1, 2, 3, 1, 2]).astype(exponent)
    want = np.power(a.astype(np.float64), b.astype(np.float64)).astype(base)
    assert_close(run_node("Pow", [a, b])[0], want, rtol=1e-3)
    assert_close(run_node("Pow", [a, b[2]])[0], (a.astype(np.float64) ** 2).astype(base), rtol=1e-3)


def test_pow_of_integer_to_fraction():
    assert run_node("Pow", [np.array([4, 9, 10], np.int32), np.array([0.5], np.float32)])[0].tolist() == [2, 3, 3]


@pytest.mark.parametrize(
    ("name", "twin"),
    [("Less", np.less), ("LessOrEqual", np.less_equal), ("Greater", np.greater), ("GreaterOrEqual", np.greater_equal), ("Equal", np.equal)],
)
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
def test_comparisons(name, twin, dtype):
    if np.dtype(dtype).kind in "iu":
        a, b = full_range(dtype, 300, 1), full_range(dtype, 300, 2)
        b[::3] = a[::3]
    else:
        x = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 3.5]).astype(dtype)
        a, b = (v.reshape(-1) for v in np.meshgrid(x, x))
    wide = np.float32 if dtype == BF16 else dtype
    for p, q in [(a, b), (a, b[:1]), (a[:1], b)]:
        assert_same(run_node(name, [p, q], opset=16)[0], twin(p.astype(wide), q.astype(wide)))


def test_equal_of_strings_and_booleans():
    a = np.array([["a", "b"], ["", "long enough to be on the heap"]], dtype=object)
    b = np.array(["a", "long enough to be on the heap"], dtype=object)
    assert run_node("Equal", [a, b], opset=19)[0].tolist() == [[True, False], [False, True]]
    t = np.array([True, False])
    assert run_node("Equal", [t[:, None], t[None, :]])[0].tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize(("name", "twin"), [("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor)])
def test_logic(name, twin):
    a, b = np.random.default_rng(1).random((3, 100)) < 0.5, np.random.default_rng(2).random(100) < 0.5
    assert_same(run_node(name, [a, b], opset=7)[0], twin(a, b))
    assert_same(run_node("Not", [a], opset=7)[0], ~a)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_bits(dtype):
    a, b = full_range(dtype, 300, 1), full_range(dtype, 300, 2)
    assert_same(run_node("BitwiseAnd", [a, b], opset=18)[0], a & b)
    assert_same(run_node("BitwiseOr", [a, b[:1]], opset=18)[0], a | b[:1])
    assert_same(run_node("BitwiseXor", [a[:1], b], opset=18)[0], a[:1] ^ b)
    assert_same(run_node("BitwiseNot", [a], opset=18)[0], ~a)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts(dtype):
    bits = np.iinfo(dtype).bits
    a = full_range(dtype, 300, 1)
    amounts = np.arange(300) % (bits + 8)
    if np.dtype(dtype).kind == "i":
        amounts[::17] = -1
    b = amounts.astype(dtype)
    mask = (1 << bits) - 1
    outside = [s < 0 or s >= bits for s in b.tolist()]
    left = [0 if o else int(x) << s & mask for x, s, o in zip(a.tolist(), b.tolist(), outside, strict=True)]
    right = [(-1 if x < 0 else 0) if o else x >> s for x, s, o in zip(a.tolist(), b.tolist(), outside, strict=True)]
    unsigned = np.dtype(f"u{bits // 8}")
    for version in (11, 28) if np.dtype(dtype).kind == "u" else (28,):
        assert_same(run_node("BitShift", [a, b], {"direction": "LEFT"}, opset=version)[0], np.array(left, unsigned).view(dtype))
        assert_same(run_node("BitShift", [a, b], {"direction": "RIGHT"}, opset=version)[0], np.array(right, object).astype(dtype))


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32, np.int64, np.uint32, np.uint64])
def test_prelu(dtype):
    x = numbers(dtype, (2, 3, 4, 5), 1)
    slope = numbers(dtype, (3, 1, 1), 2)
    wide = np.float32 if dtype in (BF16, np.float16) else dtype
    want = np.where(x < 0, x.astype(wide) * slope.astype(wide), x.astype(wide)).astype(dtype)
    for version in (7, 9, 16):
        assert_close(run_node("PRelu", [x, slope], opset=version)[0], want)


def test_prelu_slope_may_not_widen_the_data():
    with pytest.raises(engine.EngineError, match="slope"):
        run_node("PRelu", [np.ones((3,), np.float32), np.ones((2, 3), np.float32)])


def test_types_must_agree():
    with pytest.raises(engine.EngineError, match="same"):
        run_node("Add", [np.ones(3, np.float32), np.ones(3, np.float64)])
