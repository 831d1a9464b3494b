"""Element-wise kernels against numpy: every operation, type, form and odd length, on every tier."""

import math

import numpy as np
import pytest
from activations import PARAMETERS, REFERENCE
from float_sweeps import SPECIAL, assert_same

from engine import _testing

kernels = _testing.elementwise
pytestmark = pytest.mark.usefixtures("tier")

LENGTHS = [*range(71), 255, 1000]
INTEGERS = {name: np.dtype(full) for name, full in [
    ("i8", "int8"), ("i16", "int16"), ("i32", "int32"), ("i64", "int64"),
    ("u8", "uint8"), ("u16", "uint16"), ("u32", "uint32"), ("u64", "uint64"),
]}  # fmt: skip
FLOATS = {"f32": np.dtype("float32"), "f64": np.dtype("float64")}


def floats(n, dtype, seed=0):
    """n values, special ones among them, in no order."""
    r = np.random.default_rng([seed, n])
    x = (r.standard_normal(n) * 10.0 ** r.integers(-3, 4, n)).astype(dtype)
    special = r.random(n) < 0.2
    x[special] = r.choice(SPECIAL, special.sum()).astype(dtype)
    return x


def integers(n, dtype, seed=0):
    info = np.iinfo(dtype)
    r = np.random.default_rng([seed, n])
    x = r.integers(info.min, info.max, n, dtype, endpoint=True)
    small = r.random(n) < 0.5
    x[small] = r.integers(max(info.min, -3), 5, small.sum()).astype(dtype)
    x[r.random(n) < 0.05] = info.min
    return x


def guarded(n, dtype):
    """An output of n elements inside a larger buffer, and the check that nothing beside it was written."""
    buffer = np.full(n * np.dtype(dtype).itemsize + 128, 0xA5, np.uint8)
    y = buffer[64 : len(buffer) - 64].view(dtype)

    def check():
        assert np.all(buffer[:64] == 0xA5)
        assert np.all(buffer[len(buffer) - 64 :] == 0xA5)

    return y, check


def test_lists_are_covered():
    assert set(kernels.unary_ops()) == set(REFERENCE)
    assert set(kernels.binary_ops()) == set(FLOAT_BINARY) | set(BIT_OPS)
    assert set(kernels.compare_ops()) == set(COMPARE)


@pytest.mark.parametrize("op", REFERENCE)
@pytest.mark.parametrize("type", FLOATS)
def test_unary_floats(op, type):
    a, b = (float(np.float32(v)) for v in PARAMETERS.get(op, (0, 0)))
    for n in LENGTHS:
        x = floats(n, FLOATS[type])
        y, check = guarded(n, FLOATS[type])
        kernels.unary(type, op, x, y, a, b)
        check()
        with np.errstate(all="ignore"):
            want = REFERENCE[op](x.astype(np.float64), a, b)
            tolerance = 1e-5 if type == "f32" else 1e-12
            scale = np.maximum(np.abs(want), np.minimum(np.abs(x), 1e30) * 0.5 + abs(b))
            want32 = want.astype(FLOATS[type])
            # a x + b and the like cancel near their zeros
            good = (y == want32) | (np.isnan(y) & np.isnan(want)) | (np.abs(y - want) <= tolerance * scale + 1e-44)
        assert good.all(), (op, n, x[~good], y[~good], want[~good])
        in_place = x.copy()
        kernels.unary(type, op, in_place, in_place, a, b)
        np.testing.assert_array_equal(in_place, y)


@pytest.mark.parametrize("type", INTEGERS)
@pytest.mark.parametrize(
    ("op", "want"),
    [
        ("copy", lambda x: x),
        ("abs", np.abs),
        ("neg", np.negative),
        ("sign", np.sign),
        ("relu", lambda x: np.maximum(x, 0)),
        ("square", np.square),
    ],
)
def test_unary_integers(type, op, want):
    for n in LENGTHS:
        x = integers(n, INTEGERS[type])
        y, check = guarded(n, INTEGERS[type])
        kernels.unary(type, op, x, y)
        check()
        with np.errstate(all="ignore"):
            assert_same(y, want(x))


def test_a_cut_anywhere_gives_the_same_bits():
    x = floats(301, np.float32)
    for op in REFERENCE:
        whole, parts = np.empty_like(x), np.empty_like(x)
        kernels.unary("f32", op, x, whole, *PARAMETERS.get(op, (0, 0)))
        for begin, end in [(0, 3), (3, 64), (64, 65), (65, 200), (200, 301)]:
            kernels.unary("f32", op, x[begin:end], parts[begin:end], *PARAMETERS.get(op, (0, 0)))
        np.testing.assert_array_equal(whole.view(np.uint32), parts.view(np.uint32), op)


def test_predicates():
    want = {
        "is_nan": np.isnan,
        "is_inf": np.isinf,
        "is_positive_inf": np.isposinf,
        "is_negative_inf": np.isneginf,
    }
    assert set(kernels.predicate_ops()) == set(want)
    for n in LENGTHS:
        x = floats(n, np.float32)
        for op, f in want.items():
            y, check = guarded(n, np.uint8)
            kernels.predicate(op, x, y)
            check()
            np.testing.assert_array_equal(y, f(x).astype(np.uint8))


FLOAT_BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "min": np.minimum,
    "max": np.maximum,
    "pow": np.power,
    "prelu": lambda a, b: np.where(a < 0, a * b, a),
    "mod": np.mod,
    "fmod": np.fmod,
}
BIT_OPS = {
    "bit_and": np.bitwise_and,
    "bit_or": np.bitwise_or,
    "bit_xor": np.bitwise_xor,
    "shift_left": np.left_shift,
    "shift_right": np.right_shift,
}
COMPARE = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}


def forms(a, b):
    """The three broadcast forms; a scalar is an array without dimensions."""
    yield a, b
    if len(a):
        yield a, np.array(b[0])
        yield np.array(a[0]), b


def integer_power(a, b):
    def one(x, e):
        if e < 0:
            return {1: 1, -1: -1 if e % 2 else 1}.get(x, 0)
        return pow(x, e, 2**64)

    a, b = np.broadcast_arrays(a, b)
    exact = [one(int(x), int(e)) for x, e in zip(a, b, strict=True)]
    return np.array([v % 2**64 for v in exact], np.uint64).astype(a.dtype)


def c_divide(a, b):
    """Towards zero; by zero gives 0."""
    q = np.abs(a.astype(object)) // np.where(b == 0, 1, np.abs(b.astype(object)))
    q = np.where((a < 0) != (b < 0), -q, q)
    return np.array(np.where(b == 0, 0, q) % 2**64, np.uint64).astype(a.dtype)


def expect_integers(op, a, b):
    dtype = a.dtype
    with np.errstate(all="ignore"):
        if op == "pow":
            return integer_power(a, b)
        if op == "div":
            return c_divide(*np.broadcast_arrays(a, b))
        if op in ("shift_left", "shift_right"):
            shape = np.broadcast_arrays(a, b)[0].shape
            sign = np.broadcast_to(np.where(a < 0, -1, 0), shape).astype(dtype)
            outside = np.zeros(shape, dtype) if op == "shift_left" else sign
            inside = (b >= 0) & (b < 8 * dtype.itemsize)
            return np.where(inside, BIT_OPS[op](a, np.where(inside, b, 0).astype(dtype)), outside).astype(dtype)
        return {**FLOAT_BINARY, **BIT_OPS}[op](a, b).astype(dtype)


@pytest.mark.parametrize("op", FLOAT_BINARY)
@pytest.mark.parametrize("type", FLOATS)
def test_binary_floats(op, type):
    dtype = FLOATS[type]
    for n in LENGTHS:
        for a, b in forms(floats(n, dtype, 1), floats(n, dtype, 2)):
            y, check = guarded(n, dtype)
            kernels.binary(type, op, a, b, y)
            check()
            with np.errstate(all="ignore"):
                want = FLOAT_BINARY[op](a, b)
            if op == "pow":
                np.testing.assert_allclose(y, want, rtol=3e-7 if type == "f32" else 1e-15, atol=1e-44)
            else:
                assert_same(y, want)
            for operand in (a, b):
                if operand.ndim:
                    in_place = operand.copy()
                    kernels.binary(type, op, in_place if operand is a else a, in_place if operand is b else b, in_place)
                    np.testing.assert_array_equal(in_place, y)


def c_power(x, exponent):
    """C's pow, where Python's raises."""
    odd = math.isfinite(exponent) and exponent % 2 == 1
    try:
        return math.pow(x, exponent)
    except ValueError:
        return np.nan if x else math.copysign(np.inf, x if odd else 1)
    except OverflowError:
        return math.copysign(np.inf, x if odd else 1)


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, -0.5, np.nan, np.inf])
def test_power_of_a_scalar(exponent):
    x = np.concatenate([SPECIAL, floats(133, np.float32)])
    y = np.empty_like(x)
    kernels.binary("f32", "pow", x, np.array(exponent, np.float32), y)
    with np.errstate(all="ignore"):
        want = np.array([c_power(v, exponent) for v in x.tolist()]).astype(np.float32)
        np.testing.assert_allclose(y, want, rtol=1.3e-7, atol=1e-45)
    np.testing.assert_array_equal(np.signbit(y[want == 0]), np.signbit(want[want == 0]))


@pytest.mark.parametrize("op", [*FLOAT_BINARY, *BIT_OPS])
@pytest.mark.parametrize("type", INTEGERS)
def test_binary_integers(op, type):
    dtype = INTEGERS[type]
    for n in [*range(0, 70, 3), 255]:
        left, right = integers(n, dtype, 1), integers(n, dtype, 2)
        if op.startswith("shift"):
            right[::2] %= 8 * dtype.itemsize
        for a, b in forms(left, right):
            y, check = guarded(n, dtype)
            kernels.binary(type, op, a, b, y)
            check()
            np.testing.assert_array_equal(y, expect_integers(op, np.atleast_1d(a), np.atleast_1d(b)))


@pytest.mark.parametrize("op", ["bit_and", "bit_or", "bit_xor", "min", "max"])
def test_binary_booleans(op):
    r = np.random.default_rng(0)
    for a, b in forms(r.random(67) < 0.5, r.random(67) < 0.5):
        y = np.empty(67, bool)
        kernels.binary("boolean", op, a, b, y)
        np.testing.assert_array_equal(y, expect_integers(op, a.view(np.uint8), b.view(np.uint8)).view(bool))


def test_absent_operations_have_no_kernel():
    x = np.zeros(3, np.uint16)
    for type in ("f16", "bf16"):
        with pytest.raises(TypeError):
            kernels.binary(type, "add", x, x, x)
    with pytest.raises(TypeError):
        kernels.binary("boolean", "add", x, x, x)
    with pytest.raises(TypeError):
        kernels.binary("f64", "bit_and", x, x, x)


@pytest.mark.parametrize("op", COMPARE)
@pytest.mark.parametrize("type", [*FLOATS, *INTEGERS])
def test_comparisons(op, type):
    dtype = (FLOATS | INTEGERS)[type]
    make = floats if type in FLOATS else integers
    for n in LENGTHS:
        left, right = make(n, dtype, 1), make(n, dtype, 2)
        right[::3] = left[::3]
        for a, b in forms(left, right):
            y, check = guarded(n, np.uint8)
            kernels.compare(type, op, a, b, y)
            check()
            np.testing.assert_array_equal(y, COMPARE[op](a, b).astype(np.uint8))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "complex128"])
def test_select(dtype):
    r = np.random.default_rng(0)
    for n in LENGTHS:
        c = r.integers(0, 3, n).astype(np.uint8)
        left, right = r.integers(0, 200, n).astype(dtype), r.integers(0, 200, n).astype(dtype)
        for a, b in [*forms(left, right), *([(np.array(left[0]), np.array(right[0]))] if n else [])]:
            y, check = guarded(n, dtype)
            kernels.select(c, a, b, y)
            check()
            np.testing.assert_array_equal(y, np.where(c, a, b))


def test_mul_add():
    for n in LENGTHS:
        x, scale, shift = (np.random.default_rng([n, k]).standard_normal(n).astype(np.float32) for k in range(3))
        y, check = guarded(n, np.float32)
        kernels.mul_add(x, scale, shift, y)
        check()
        want = x.astype(np.float64) * scale + shift
        np.testing.assert_allclose(y, want, rtol=6e-8)
        kernels.mul_add(x, scale, shift, shift)
        np.testing.assert_array_equal(shift, y)
