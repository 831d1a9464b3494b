"""Conversions between element types, against numpy and ml_dtypes, on every tier."""

import ml_dtypes
import numpy as np
import pytest
from float_sweeps import float_sweep

from engine import _testing

kernels = _testing.elementwise
pytestmark = pytest.mark.usefixtures("tier")

TYPES = {name: np.dtype(full) for name, full in [
    ("f32", "float32"), ("f64", "float64"), ("f16", "float16"), ("bf16", ml_dtypes.bfloat16), ("i8", "int8"),
    ("i16", "int16"), ("i32", "int32"), ("i64", "int64"), ("u8", "uint8"), ("u16", "uint16"), ("u32", "uint32"),
    ("u64", "uint64"), ("boolean", "bool"),
]}  # fmt: skip
FLOATING = ("f32", "f64", "f16", "bf16")


def convert(source, target, x):
    y = np.empty(x.shape, TYPES[target])
    view = x.view(np.uint16) if source == "bf16" else x
    kernels.convert(source, target, view, y.view(np.uint16) if target == "bf16" else y)
    return y


def values(source, target, n):
    """Values of `source` that `target` can hold after rounding."""
    r = np.random.default_rng(n)
    if source == "boolean":
        return r.random(n) < 0.5
    if source not in FLOATING:
        info = np.iinfo(TYPES[source])
        return r.integers(info.min, info.max, n, TYPES[source], endpoint=True)
    if target in FLOATING or target == "boolean":
        x = r.standard_normal(n) * 10.0 ** r.integers(-9, 6, n)
        x[r.random(n) < 0.2] = 0
        with np.errstate(over="ignore"):
            return x.astype(TYPES[source])
    info = np.iinfo(TYPES[target])
    limit = 60000 if source == "f16" else np.inf
    return r.uniform(max(info.min * 0.99, -limit), min(info.max * 0.99, limit), n).astype(TYPES[source])


@pytest.mark.parametrize("source", TYPES)
@pytest.mark.parametrize("target", TYPES)
def test_every_pair(source, target):
    for n in [*range(35), 130, 1000]:
        x = values(source, target, n)
        with np.errstate(over="ignore"):
            want = x.astype(TYPES[target])
        np.testing.assert_array_equal(convert(source, target, x), want)


def bits(x):
    return x.view(np.uint16 if x.dtype.itemsize == 2 else np.uint32)


@pytest.mark.parametrize("small", ["f16", "bf16"])
def test_every_small_float_widens_exactly(small):
    x = np.arange(2**16, dtype=np.uint16).view(TYPES[small])
    y, want = convert(small, "f32", x), x.astype(np.float32)
    nan = np.isnan(want)
    np.testing.assert_array_equal(np.isnan(y), nan)
    np.testing.assert_array_equal(bits(y)[~nan], bits(want)[~nan])


@pytest.mark.parametrize("small", ["f16", "bf16"])
@pytest.mark.parametrize("source", ["f32", "f64"])
def test_narrowing_rounds_to_nearest_even(small, source):
    x = float_sweep(9973)
    halves = np.arange(2**16, dtype=np.uint16).view(TYPES[small]).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        ties = halves.astype(np.float64) + np.abs(halves.astype(np.float64)) * 2.0**-12
        x = np.concatenate([x, ties.astype(np.float32), ((halves[1:] + halves[:-1]) * 0.5)]).astype(TYPES[source])
        want = x.astype(TYPES[small])
    y = convert(source, small, x)
    nan = np.isnan(x)
    np.testing.assert_array_equal(np.isnan(y), nan)
    np.testing.assert_array_equal(bits(y)[~nan], bits(want)[~nan])


def test_double_to_half_rounds_once():
    tie = 1 + 2.0**-11
    x = np.array(
        [tie + 2.0**-40, tie, tie - 2.0**-40, -tie - 2.0**-40, 65519.999999999, 65520.0, 2.0**-25 * (1 + 2.0**-30)]
    )
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(convert("f64", "f16", x), x.astype(np.float16))


def test_infinity_and_nan_become_true():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45], np.float32)
    np.testing.assert_array_equal(convert("f32", "boolean", x), [True, True, True, False, False, True])


@pytest.mark.parametrize("target", [t for t in TYPES if t not in FLOATING])
def test_out_of_range_is_the_same_at_every_position(target):
    for value in (np.nan, np.inf, -np.inf, 1e30, -1e30):
        y = convert("f32", target, np.full(67, value, np.float32))
        assert np.all(y == y[0])
