"""Quantisation kernels against numpy, on every tier."""

import numpy as np
import pytest

from engine import _testing

kernels = _testing.quant
pytestmark = pytest.mark.usefixtures("tier")

LENGTHS = [*range(70), 257, 1000]
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1e30, -1e30, 0.5, 1.5, -0.5, 127.5, -128.5, 255.5, 1e-40], np.float32)


def floats(n):
    r = np.random.default_rng(n)
    x = (r.standard_normal(n) * 90).astype(np.float32)
    chosen = r.random(n) < 0.2
    x[chosen] = r.choice(SPECIAL, chosen.sum())
    return x


def scales(n, varies):
    r = np.random.default_rng([n, 1])
    count = max(n, 1) if varies else 1
    return r.uniform(0.1, 3, count).astype(np.float32), r.integers(-20, 200, count).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("varies", [False, True])
@pytest.mark.parametrize("has_zero", [False, True])
def test_quantize(dtype, varies, has_zero):
    info = np.iinfo(dtype)
    for n in LENGTHS:
        x, (scale, zero) = floats(n), scales(n, varies)
        buffer = np.full(n + 64, 0x5A, dtype)
        kernels.quantize(x, scale, zero if has_zero else None, varies, buffer[32 : 32 + n])
        want = np.rint(x / scale[: n if varies else 1]) + (zero[: n if varies else 1] if has_zero else 0)
        want = np.where(np.isnan(want), 0, np.clip(want, info.min, info.max)).astype(dtype)
        np.testing.assert_array_equal(buffer[32 : 32 + n], want)
        assert (buffer[:32] == 0x5A).all()
        assert (buffer[32 + n :] == 0x5A).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("varies", [False, True])
@pytest.mark.parametrize("has_zero", [False, True])
def test_dequantize(dtype, varies, has_zero):
    for n in LENGTHS:
        x = (np.arange(n) * 37).astype(np.uint8).view(dtype)
        scale, zero = scales(n, varies)
        buffer = np.full(n + 64, 7, np.float32)
        kernels.dequantize(x, scale, zero if has_zero else None, varies, buffer[32 : 32 + n])
        part = slice(None, n if varies else 1)
        want = (x.astype(np.float32) - (zero[part] if has_zero else np.float32(0))) * scale[part]
        np.testing.assert_array_equal(buffer[32 : 32 + n], want)
        assert (buffer[:32] == 7).all()
        assert (buffer[32 + n :] == 7).all()


def test_extremes():
    for n in LENGTHS:
        x = np.random.default_rng(n).standard_normal(n).astype(np.float32)
        assert kernels.extremes(x, 0.25, 0.5) == (min(0.25, *x, 0.25), max(0.5, *x, 0.5))
        for i in range(0, n, 7):
            bad = x.copy()
            bad[i] = np.nan
            assert all(np.isnan(kernels.extremes(bad, 0, 0)))
    assert kernels.extremes(np.array([np.inf, -np.inf], np.float32), 0, 0) == (-np.inf, np.inf)
    assert all(np.isnan(kernels.extremes(np.zeros(3, np.float32), np.nan, np.nan)))
