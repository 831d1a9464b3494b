"""Float32 products against float64, on every instruction-set tier."""

import itertools

import numpy as np
import pytest

from engine import _testing as t

A = t.Activation


@pytest.fixture(params=t.supported_isas(), autouse=True)
def tier(request):
    before = t.active_isa()
    t.force_isa(request.param)
    yield request.param
    t.force_isa(before)


def rng(*seed):
    return np.random.default_rng(list(seed))


def uniform(r, *shape):
    return r.uniform(-1, 1, shape).astype(np.float32)


def bound(a, b, chain=1):
    """A rounding bound for a sum of products in any order, loose enough for a few more operations."""
    k = a.shape[1]
    magnitude = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
    return (min(k, 64) + k / 64 + 8) * 2.0**-24 * magnitude + 1e-6 * chain


def check(got, a, b, transform=lambda x: x, chain=1):
    want = transform(a.astype(np.float64) @ b.astype(np.float64))
    assert got.shape == want.shape
    assert np.all(np.abs(got - want) <= bound(a, b, chain)), np.abs(got - want).max()


def gemm(a, b, **options):
    return t.GemmCall(a, b, **options).run()


def both(a, b, **options):
    """The product with B in place and with B packed: the same bits."""
    plain = gemm(a, b, **options)
    packed = gemm(a, t.GemmPackedB(b), **options)
    np.testing.assert_array_equal(plain, packed)
    return plain


def test_the_forced_tier_runs(tier):
    panels = {"scalar": 4, "neon": 16, "avx2": 32, "avx512": 64, "avx512vnni": 64, "avx512vbmi": 64, "avx512bf16": 64, "avx512amx": 64}
    assert t.gemm_blocking()["panel"] == panels[tier]


SMALL = [0, 1, 2, 3, 5, 6, 7, 8, 12, 13, 15, 16, 17, 24, 31, 32, 33, 40]


@pytest.mark.parametrize("m", SMALL)
def test_small_sizes(m):
    r = rng(m)
    sizes = list(itertools.product(SMALL + [47, 48, 63, 64, 65, 129], [0, 1, 2, 3, 7, 16, 33]))
    for n, k in sizes:
        a, b = uniform(r, m, k), uniform(r, k, n)
        check(both(a, b), a, b)


def test_edges_of_the_micro_tile():
    blocking = t.gemm_blocking()
    rows, panel = blocking["rows"], blocking["panel"]
    r = rng(1)
    for m in (rows - 1, rows, rows + 1, 2 * rows, 4 * rows, 4 * rows + 1, 7 * rows + 2):
        for n in (panel - 1, panel, panel + 1, 2 * panel, 2 * panel + 1, panel // 4, panel // 2 + 1, 3 * panel // 4):
            a, b = uniform(r, m, 37), uniform(r, 37, n)
            check(both(a, b), a, b)


@pytest.mark.parametrize("m", range(1, 14))
@pytest.mark.parametrize("k", [1, 300, 2100])
def test_few_rows_over_several_panels(m, k):
    panel = t.gemm_blocking()["panel"]
    for n in (2 * panel, 3 * panel + 1, 4 * panel, 7 * panel):
        r = rng(m, k, n)
        a, b, bias = uniform(r, m, k), uniform(r, k, n), uniform(r, n)
        check(both(a, b), a, b, chain=3)
        relu = both(a, b, column_bias=bias, activation=A.relu)
        check(relu, a, b, lambda x, bias=bias: np.maximum(x + bias, 0), chain=3)
        apart = a.repeat(3, 1)[:, ::3]
        for prefetches in (False, True):
            got = gemm(apart, t.GemmPackedB(b), prefetches=prefetches)
            np.testing.assert_array_equal(got, gemm(a, b))


@pytest.mark.parametrize(("m", "n", "k"), [(5, 3, 9), (33, 70, 20), (1, 130, 65), (70, 1, 31), (50, 96, 48)])
def test_strides(m, n, k):
    r = rng(m, n, k)
    a, b = uniform(r, m, k), uniform(r, k, n)
    want = both(a, b)
    wide_a, wide_b = np.full((m, 2 * k + 3), np.nan, np.float32), np.full((2 * k, n + 5), np.nan, np.float32)
    wide_a[:, 1 : 2 * k : 2], wide_b[::2, 2 : n + 2] = a, b
    forms_a = [a, np.asfortranarray(a), wide_a[:, 1 : 2 * k : 2], np.ascontiguousarray(a[::-1])[::-1]]
    forms_b = [b, np.asfortranarray(b), wide_b[::2, 2 : n + 2], np.ascontiguousarray(b[:, ::-1])[:, ::-1]]
    for fa, fb in itertools.product(forms_a, forms_b):
        np.testing.assert_array_equal(both(fa, fb), want)
    row = np.broadcast_to(a[:1], (m, k))
    np.testing.assert_array_equal(both(row, b), np.broadcast_to(want[:1], (m, n)))


def test_output_rows_may_be_apart_and_nothing_else_is_written():
    r = rng(2)
    a, b = uniform(r, 19, 23), uniform(r, 23, 37)
    frame = np.full((19, 50), 7, np.float32)
    gemm(a, b, c=frame[:, 4:41])
    np.testing.assert_array_equal(frame[:, 4:41], gemm(a, b))
    assert np.all(frame[:, :4] == 7)
    assert np.all(frame[:, 41:] == 7)


@pytest.mark.parametrize("k", [30, 2047, 2048, 2049, 5000])
def test_tiles_give_the_bits_of_the_whole(k):
    blocking = t.gemm_blocking()
    rows, panel = blocking["rows"], blocking["panel"]
    r = rng(k)
    m, n = 5 * rows + 1, 3 * panel + 5
    a, b, bias, res = uniform(r, m, k), uniform(r, k, n), uniform(r, n), uniform(r, m, n)
    packed = t.GemmPackedB(b, backwards=True)
    options = {"column_bias": bias, "residual": res, "activation": A.gelu_tanh, "alpha": 0.5}
    whole = gemm(a, packed, tile_m=m, tile_n=n, **options)
    block = t.gemm_k_block(k)
    for tile_m, tile_n, workers in itertools.product((1, rows, rows + 3), (panel, 2 * panel), (1, 3)):
        cut = dict(options, tile_m=tile_m, tile_n=tile_n, workers=workers)
        np.testing.assert_array_equal(gemm(a, packed, **cut), whole)
        np.testing.assert_array_equal(gemm(a, b, **cut), whole)
        np.testing.assert_array_equal(gemm(np.asfortranarray(a), b, tile_k=block, **cut), whole)
        np.testing.assert_array_equal(t.GemmCall(a, packed, tile_k=block, **cut).run(backwards=True), whole)


@pytest.mark.parametrize("k", [64, 3000])
def test_a_row_does_not_depend_on_its_batch(k):
    r = rng(k)
    a, b = uniform(r, 40, k), uniform(r, k, 100)
    packed = t.GemmPackedB(b)
    whole = gemm(a, packed)
    for m in (1, 2, 3, 6, 7, 13, 25, 39):
        np.testing.assert_array_equal(gemm(a[:m], packed), whole[:m])
        np.testing.assert_array_equal(gemm(a[m : m + 1], b), whole[m : m + 1])
    for n in (1, 4, 15, 17, 33, 65):
        np.testing.assert_array_equal(gemm(a, b[:, :n]), whole[:, :n])


@pytest.mark.parametrize(("m", "n", "k"), [(3, 5, 4), (20, 70, 16), (1, 33, 9), (14, 64, 3000)])
def test_epilogue_terms(m, n, k):
    r = rng(m, n)
    a, b, c0 = uniform(r, m, k), uniform(r, k, n), uniform(r, m, n)
    cb, rb, res = uniform(r, n), uniform(r, m), uniform(r, m, n)
    check(both(a, b, alpha=-1.5), a, b, lambda x: -1.5 * x, 4)
    check(both(a, b, column_bias=cb), a, b, lambda x: x + cb, 4)
    check(both(a, b, row_bias=rb), a, b, lambda x: x + rb[:, None], 4)
    check(both(a, b, residual=res), a, b, lambda x: x + res, 4)
    out = c0.copy()
    gemm(a, b, c=out, beta=0.25, alpha=2, column_bias=cb, row_bias=rb, residual=res)
    check(out, a, b, lambda x: 2 * x + 0.25 * c0 + cb + rb[:, None] + res, 8)
    out = c0.copy()
    gemm(a, b, c=out, residual=out, activation=A.relu)
    check(out, a, b, lambda x: np.maximum(x + c0, 0), 4)
    check(both(a, b, activation=A.relu, negate=True), a, b, lambda x: np.arange(n) - np.maximum(x, 0), 50)


def test_beta_zero_does_not_read_c():
    a, b = np.ones((7, 3), np.float32), np.ones((3, 21), np.float32)
    out = np.full((7, 21), np.nan, np.float32)
    gemm(a, b, c=out, beta=0, column_bias=np.zeros(21, np.float32))
    assert np.all(out == 3)


@pytest.mark.parametrize(
    "activation",
    [A.relu, A.leaky_relu, A.sigmoid, A.tanh, A.clip, A.gelu_erf, A.gelu_tanh, A.silu, A.hard_sigmoid, A.hard_swish],
)
def test_activations_match_the_reference(activation):
    values = np.concatenate([np.linspace(-12, 12, 331), [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, 3e38]])
    b = values.astype(np.float32)[None, :]
    a = np.ones((5, 1), np.float32)
    alpha = -0.3 if activation == A.clip else 0.2
    got = gemm(a, b, activation=activation, activation_a=alpha, activation_b=0.7)
    want = np.array([t.activate(activation, float(x), alpha, 0.7) for x in gemm(a, b)[0]], np.float32)
    for row in got:
        np.testing.assert_allclose(row, want, rtol=2e-6, atol=2e-7)
        np.testing.assert_array_equal(np.isnan(row), np.isnan(want))


def test_k_of_zero_is_the_epilogue_of_zero():
    a, b, bias = np.zeros((5, 0), np.float32), np.zeros((0, 19), np.float32), np.arange(19, dtype=np.float32) - 4
    np.testing.assert_array_equal(both(a, b), np.zeros((5, 19)))
    np.testing.assert_array_equal(both(a, b, column_bias=bias, activation=A.relu), np.tile(np.maximum(bias, 0), (5, 1)))


@pytest.mark.parametrize("k", [1000, 2048, 2049, 10000, 70001])
def test_long_sums(k):
    r = rng(k)
    for m, n in ((1, 70), (9, 17)):
        a, b = uniform(r, m, k), uniform(r, k, n)
        check(both(a, b), a, b)
        big = 1000 + uniform(r, m, k)
        check(both(big, b), big, b)


def test_nan_and_infinity_travel():
    r = rng(3)
    a, b = uniform(r, 20, 30), uniform(r, 30, 70)
    a[3, 4], a[5, 6], b[7, 8], b[9, 69] = np.nan, np.inf, -np.inf, np.nan
    with np.errstate(invalid="ignore"):
        want = a.astype(np.float64) @ b.astype(np.float64)
    got = both(a, b)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_array_equal(got[np.isinf(want)], want[np.isinf(want)])
    assert np.isnan(gemm(a, b, activation=A.relu)[3]).all()
    assert np.isnan(gemm(a, b, activation=A.clip, activation_a=-1, activation_b=1)[3]).all()


@pytest.mark.parametrize("transposed", [False, True])
def test_half_weights_are_widened_exactly(transposed):
    bits = np.arange(0, 1 << 16, 1, dtype=np.uint16).reshape(256, 256)
    eye = np.eye(256, dtype=np.float32)
    half = bits.view(np.float16)
    half = np.where(np.isfinite(half), half, np.float16(0))
    source = half.T if transposed else half
    np.testing.assert_array_equal(gemm(eye, t.GemmPackedB(source)), source.astype(np.float32))
    brain = (bits.astype(np.uint32) << 16).view(np.float32)
    brain_bits = np.where(np.isfinite(brain), bits, 0).astype(np.uint16)
    brain = np.where(np.isfinite(brain), brain, 0)
    source = brain_bits.T if transposed else brain_bits
    np.testing.assert_array_equal(gemm(eye, t.GemmPackedB(source)), brain.T if transposed else brain)
    special = np.array([[np.nan, np.inf, -np.inf, -0.0]], np.float16)
    np.testing.assert_array_equal(gemm(np.ones((1, 1), np.float32), t.GemmPackedB(special)), special)


@pytest.mark.parametrize(
    ("m", "n", "k"),
    [
        (1, 1, 1),
        (1, 768, 3072),
        (64, 768, 768),
        (1000, 1000, 1000),
        (7, 100000, 64),
        (5000, 3, 40),
        (4, 4, 1000000),
        (300, 300, 100000),
        (3001, 500, 1024),
        (0, 5, 5),
        (5, 0, 5),
        (5, 5, 0),
    ],
)
def test_tiles_cover_c_once_within_bounds(m, n, k):
    limit = t.gemm_blocking()["tile_macs"]
    rows, panel = t.gemm_blocking()["rows"], t.gemm_blocking()["panel"]
    for workers in (1, 8):
        tiling = t.gemm_tiling(m, n, k, workers)
        work = 0
        for m0, m1, n0, n1, k0, k1 in tiling["ranges"]:
            assert 0 <= m0 < m1 <= m
            assert 0 <= n0 < n1 <= n
            assert 0 <= k0 <= k1 <= k
            macs = (m1 - m0) * (n1 - n0) * (k1 - k0)
            assert macs <= 2 * limit or (m1 - m0 <= 4 * rows and n1 - n0 <= panel and k1 - k0 <= 2048)
            work += macs
        assert work == m * n * k
        assert tiling["scratch_bytes"] % 64 == 0


def test_rows_beyond_a_cache_meet_all_columns_in_groups():
    m, n, k = 5000, 700, 1024
    ranges = t.gemm_tiling(m, n, k, 1)["ranges"]
    first = ranges[: next(i for i, r in enumerate(ranges) if r[2] == 0 and i > 0 and ranges[i - 1][3] == n)]
    rows = max(r[1] for r in first)
    assert 256 << 10 < rows * k * 4 <= 1 << 20
    assert sum((r[1] - r[0]) * (r[3] - r[2]) for r in first) == rows * n
    assert min(r[0] for r in ranges[len(first) :]) == rows
