"""Products of 8-bit integers: exact, on every instruction-set tier."""

import itertools

import numpy as np
import pytest

from engine import _testing as t

TYPES = [np.uint8, np.int8]


@pytest.fixture(params=t.supported_isas(), autouse=True)
def tier(request):
    before = t.active_isa()
    t.force_isa(request.param)
    yield request.param
    t.force_isa(before)


def rng(*seed):
    return np.random.default_rng(list(seed))


def random_bytes(r, dtype, *shape):
    info = np.iinfo(dtype)
    return r.integers(info.min, info.max + 1, shape).astype(dtype)


def exact(a, b, a_zero=0, b_zero=0):
    return (a.astype(np.int64) - a_zero) @ (b.astype(np.int64) - b_zero)


def product(a, b, dtype=np.int32, **options):
    out = np.empty((a.shape[0], b.shape[1]), dtype)
    plain = t.GemmInt8Call(a, b, out.copy(), **options).run()
    packed = t.GemmInt8Call(a, t.GemmInt8PackedB(b), out.copy(), **options).run()
    np.testing.assert_array_equal(plain, packed)
    return plain


def test_the_forced_tier_runs(tier):
    panels = {"scalar": 4, "neon": 16, "avx2": 32, "avx512": 64, "avx512vnni": 64, "avx512vbmi": 64, "avx512bf16": 64, "avx512amx": 64}
    assert t.gemm_int8_panel() == panels[tier]
    assert (t.gemm_int8_tile_macs() > 4_000_000) == (tier in ("avx512vnni", "avx512vbmi", "avx512bf16", "avx512amx"))


@pytest.mark.parametrize(("a_type", "b_type"), list(itertools.product(TYPES, TYPES)))
@pytest.mark.parametrize("m", [0, 1, 2, 3, 5, 6, 7, 13, 32])
def test_small_sizes(m, a_type, b_type):
    r = rng(m)
    for n, k in itertools.product([0, 1, 7, 16, 17, 31, 48, 65, 130], [0, 1, 2, 3, 4, 7, 33]):
        a, b = random_bytes(r, a_type, m, k), random_bytes(r, b_type, k, n)
        np.testing.assert_array_equal(product(a, b), exact(a, b))
        a_zero, b_zero = int(random_bytes(r, a_type, 1)[0]), int(random_bytes(r, b_type, 1)[0])
        np.testing.assert_array_equal(product(a, b, a_zero=a_zero, b_zero=b_zero), exact(a, b, a_zero, b_zero))


@pytest.mark.parametrize("k", [63, 64, 68, 128, 190, 2112])
@pytest.mark.parametrize("m", [3, 8, 15, 16, 17, 31, 32, 33, 34, 70])
def test_rows_around_those_of_a_tile(m, k):
    r = rng(m * k)
    for n, (a_type, b_type) in itertools.product([15, 16, 47, 64, 130], itertools.product(TYPES, TYPES)):
        a, b = random_bytes(r, a_type, m, k), random_bytes(r, b_type, k, n)
        np.testing.assert_array_equal(product(a, b, a_zero=3, b_zero=5), exact(a, b, 3, 5))


@pytest.mark.parametrize(("a_type", "b_type"), list(itertools.product(TYPES, TYPES)))
def test_zero_points_of_rows_and_columns(a_type, b_type):
    r = rng(1)
    a, b = random_bytes(r, a_type, 19, 77), random_bytes(r, b_type, 77, 83)
    rows, columns = random_bytes(r, a_type, 19).astype(np.int32), random_bytes(r, b_type, 83).astype(np.int32)
    got = product(a, b, a_zeros=rows, b_zeros=columns)
    np.testing.assert_array_equal(got, exact(a, b, rows[:, None], columns))


@pytest.mark.parametrize(("a_type", "b_type"), list(itertools.product(TYPES, TYPES)))
@pytest.mark.parametrize("k", [2, 7, 1024, 5000])
def test_extremes_never_saturate(a_type, b_type, k):
    limits_a, limits_b = np.iinfo(a_type), np.iinfo(b_type)
    for x, y in itertools.product((limits_a.min, limits_a.max), (limits_b.min, limits_b.max)):
        a, b = np.full((7, k), x, a_type), np.full((k, 35), y, b_type)
        for a_zero, b_zero in itertools.product((0, limits_a.min, limits_a.max), (0, limits_b.min, limits_b.max)):
            got = product(a, b, a_zero=a_zero, b_zero=b_zero)
            np.testing.assert_array_equal(got, exact(a, b, a_zero, b_zero))


def test_sums_beyond_int32_wrap():
    a, b = np.full((1, 40000), 255, np.uint8), np.full((40000, 3), 255, np.uint8)
    np.testing.assert_array_equal(product(a, b), (exact(a, b) + 2**31) % 2**32 - 2**31)


@pytest.mark.parametrize(("a_type", "b_type"), list(itertools.product(TYPES, TYPES)))
def test_strides(a_type, b_type):
    r = rng(2)
    a, b = random_bytes(r, a_type, 21, 52), random_bytes(r, b_type, 52, 70)
    want = exact(a, b, 3, 5)
    wide = random_bytes(r, a_type, 21, 120)
    wide[:, 5:109:2] = a
    forms_a = [a, np.asfortranarray(a), wide[:, 5:109:2], np.ascontiguousarray(a[::-1])[::-1]]
    forms_b = [b, np.asfortranarray(b), np.repeat(b, 2, axis=1)[:, ::2], np.ascontiguousarray(b[:, ::-1])[:, ::-1]]
    for fa, fb in itertools.product(forms_a, forms_b):
        np.testing.assert_array_equal(product(fa, fb, a_zero=3, b_zero=5), want)


@pytest.mark.parametrize("k", [60, 2050, 9001])
def test_tiles_give_the_whole(k):
    r = rng(k)
    panel = t.gemm_int8_panel()
    a, b = random_bytes(r, np.uint8, 30, k), random_bytes(r, np.uint8, k, 3 * panel + 9)
    want = exact(a, b, 17, 130)
    block = t.gemm_k_block(k)
    for tile_m, tile_n, tile_k in itertools.product((1, 6, 11, 30), (panel, 2 * panel), (k, block, 2 * block)):
        got = product(a, b, a_zero=17, b_zero=130, tile_m=tile_m, tile_n=tile_n, tile_k=tile_k)
        np.testing.assert_array_equal(got, want)


def test_only_the_result_is_written():
    r = rng(3)
    a, b = random_bytes(r, np.uint8, 9, 30), random_bytes(r, np.int8, 30, 37)
    for dtype in (np.int32, np.float32, np.uint8, np.int8):
        frame = np.full((9, 50), 7, dtype)
        t.GemmInt8Call(a, b, frame[:, 4:41], scale=1e-3).run()
        assert np.all(frame[:, :4] == 7)
        assert np.all(frame[:, 41:] == 7)
        assert np.any(frame[:, 4:41] != 7)


@pytest.mark.parametrize(("m", "n", "k"), [(5, 3, 9), (33, 70, 100), (1, 130, 65)])
def test_float_results(m, n, k):
    r = rng(m, n)
    a, b = random_bytes(r, np.uint8, m, k), random_bytes(r, np.int8, k, n)
    sums = exact(a, b, 128)
    columns, rows = r.uniform(1e-4, 1e-2, n).astype(np.float32), r.uniform(0.5, 2, m).astype(np.float32)
    bias, integer_bias = r.uniform(-1, 1, n).astype(np.float32), r.integers(-5000, 5000, n).astype(np.int32)
    got = product(a, b, np.float32, a_zero=128, scale=0.01)
    np.testing.assert_array_equal(got, sums.astype(np.float32) * np.float32(0.01))
    got = product(a, b, np.float32, a_zero=128, column_scales=columns, row_scales=rows, float_bias=bias)
    np.testing.assert_array_equal(got, sums.astype(np.float32) * rows[:, None] * columns + bias)
    got = product(
        a,
        b,
        np.float32,
        a_zero=128,
        column_scales=columns,
        bias=integer_bias,
        float_bias=bias,
        activation=t.Activation.relu.value,
    )
    want = np.maximum((sums + integer_bias).astype(np.float32) * columns + bias, 0)
    np.testing.assert_array_equal(got, want)
    got = product(a, b, np.float32, a_zero=128, scale=1e-4, activation=t.Activation.tanh.value)
    np.testing.assert_allclose(got, np.tanh(sums * 1e-4), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("c_type", TYPES)
def test_requantised_results(c_type):
    r = rng(4)
    info = np.iinfo(c_type)
    a, b = random_bytes(r, np.uint8, 23, 90), random_bytes(r, np.int8, 90, 75)
    bias = r.integers(-3000, 3000, 75).astype(np.int32)
    columns = r.uniform(1e-4, 4e-3, 75).astype(np.float32)
    sums = exact(a, b, 100)
    for zero in (0, info.min, info.max, 5):
        for low, high in ((0, 0), (max(zero, info.min), info.max)):
            got = product(
                a, b, c_type, a_zero=100, bias=bias, column_scales=columns, c_zero=zero, c_low=low, c_high=high
            )
            x = np.rint((sums + bias).astype(np.float32) * columns).astype(np.int64) + zero
            bounds = (info.min, info.max) if (low, high) == (0, 0) else (low, high)
            np.testing.assert_array_equal(got, np.clip(x, *bounds))


def test_requantisation_rounds_halves_to_even_and_saturates():
    a = np.arange(-60, 60, dtype=np.int8)[:, None]
    b = np.ones((1, 3), np.int8)
    got = product(a, b, np.int8, scale=0.5)
    np.testing.assert_array_equal(got[:, 0], np.rint(np.arange(-60, 60) * 0.5))
    for scale in (1e30, np.inf):
        got = product(a, b, np.uint8, scale=scale, c_zero=10)
        np.testing.assert_array_equal(got[a[:, 0] > 0], 255)
        np.testing.assert_array_equal(got[a[:, 0] < 0], 0)
    assert np.all(product(a, b, np.uint8, scale=np.nan, c_zero=10) == 0)
