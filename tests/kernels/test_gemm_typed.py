"""Products of float64 and of wide integers, on every instruction-set tier."""

import itertools

import numpy as np
import pytest

from engine import _testing as t

INTEGERS = [np.int32, np.uint32, np.int64, np.uint64]


@pytest.fixture(params=t.supported_isas(), autouse=True)
def tier(request):
    before = t.active_isa()
    t.force_isa(request.param)
    yield request.param
    t.force_isa(before)


def matrices(seed, dtype, m, n, k):
    r = np.random.default_rng(seed)
    if dtype is np.float64:
        return r.uniform(-1, 1, (m, k)), r.uniform(-1, 1, (k, n))
    info = np.iinfo(dtype)
    return tuple(r.integers(info.min, info.max, s, dtype=dtype, endpoint=True) for s in ((m, k), (k, n)))


def expect(got, a, b, alpha=1, beta=0, c=0, bias=0):
    if a.dtype != np.float64:
        np.testing.assert_array_equal(got, alpha * (a @ b) + beta * c + bias)
    else:
        want = alpha * (a @ b) + beta * c + bias
        assert np.all(np.abs(got - want) <= 1e-14 * (np.abs(a) @ np.abs(b) + 2) + 1e-300)


def product(a, b, **options):
    return t.gemm_typed(a, b, np.empty((a.shape[0], b.shape[1]), a.dtype), **options)


def test_the_forced_tier_runs(tier):
    wide = (32, 64, 32)
    panels = {"scalar": (4, 8, 4), "neon": (8, 16, 8), "avx2": (8, 16, 8)}
    assert t.gemm_typed_panels() == panels.get(tier, wide)


@pytest.mark.parametrize("dtype", [np.float64, *INTEGERS])
@pytest.mark.parametrize("m", [0, 1, 2, 3, 5, 6, 7, 20])
def test_small_sizes(m, dtype):
    for n, k in itertools.product([0, 1, 3, 4, 8, 9, 16, 17, 33, 65], [0, 1, 2, 7, 40]):
        a, b = matrices(m, dtype, m, n, k)
        expect(product(a, b), a, b)


@pytest.mark.parametrize("dtype", [np.float64, *INTEGERS])
def test_strides_and_terms(dtype):
    a, b = matrices(1, dtype, 21, 50, 33)
    c, bias = matrices(2, dtype, 21, 50, 1)[1].repeat(21, 0), matrices(3, dtype, 1, 50, 1)[1][0]
    want = product(a, b, alpha=dtype(3), column_bias=bias)
    expect(want, a, b, alpha=dtype(3), bias=bias)
    for fa, fb in itertools.product(
        (a, np.asfortranarray(a), a.repeat(2, 1)[:, ::2]), (b, np.asfortranarray(b), b[::-1].copy()[::-1])
    ):
        np.testing.assert_array_equal(product(fa, fb, alpha=dtype(3), column_bias=bias), want)
    out = c.copy()
    t.gemm_typed(a, b, out, alpha=dtype(2), beta=dtype(5), column_bias=bias)
    expect(out, a, b, dtype(2), dtype(5), c, bias)


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("k", [40, 2049, 7000])
def test_tiles_give_the_bits_of_the_whole(dtype, k):
    a, b = matrices(k, dtype, 20, 130, k)
    whole = product(a, b, tile_m=20, tile_n=192)
    expect(whole, a, b)
    for tile_m, tile_n in itertools.product((1, 7, 20), (64, 128)):
        np.testing.assert_array_equal(product(a, b, tile_m=tile_m, tile_n=tile_n), whole)
    np.testing.assert_array_equal(product(a[3:4], b), whole[3:4])


def test_only_the_result_is_written_and_stale_values_are_not_read():
    a, b = matrices(4, np.float64, 9, 21, 5)
    frame = np.full((9, 40), np.nan)
    t.gemm_typed(a, b, frame[:, 3:24])
    expect(frame[:, 3:24], a, b)
    assert np.isnan(frame[:, :3]).all()
    assert np.isnan(frame[:, 24:]).all()


def test_nan_and_infinity_travel():
    a, b = matrices(5, np.float64, 9, 21, 6)
    a[2, 3], b[4, 5], b[5, 20] = np.inf, np.nan, -np.inf
    with np.errstate(invalid="ignore"):
        want = a @ b
    got = product(a, b)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_array_equal(got[np.isinf(want)], want[np.isinf(want)])
