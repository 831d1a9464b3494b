"""Matrix products by kernel, tier and shape; extra_info has GF/s (or GOP/s) of the fastest round."""

import numpy as np
import pytest

from engine import _testing as t

SHAPES = [
    (1024, 1024, 1024),
    (2048, 2048, 2048),
    (64, 768, 768),
    (16, 768, 3072),
    (16, 3072, 768),
    (128, 128, 64),
    (1, 3072, 768),
    (4, 768, 768),
    (49, 512, 4608),
    (3136, 64, 64),
]
TIERS = t.supported_isas()[1:]


def measure(benchmark, run, m, n, k):
    times = max(1, int(2e8 / (2 * m * n * k)))
    benchmark.pedantic(run, args=(times,), rounds=10, warmup_rounds=1)
    if benchmark.stats:
        benchmark.extra_info["GF/s"] = round(2e-9 * m * n * k * times / benchmark.stats.stats.min, 1)


@pytest.fixture(params=TIERS)
def tier(request):
    before = t.active_isa()
    t.force_isa(request.param)
    yield request.param
    t.force_isa(before)


@pytest.mark.parametrize("b_kind", ["packed", "plain", "transposed"])
@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_f32(benchmark, tier, b_kind, m, n, k):
    r = np.random.default_rng(0)
    a, b = (r.uniform(-1, 1, s).astype(np.float32) for s in ((m, k), (k, n)))
    operand = {"packed": t.GemmPackedB, "plain": np.ascontiguousarray, "transposed": np.asfortranarray}[b_kind](b)
    call = t.GemmCall(a, operand)
    np.testing.assert_allclose(call.run(), a @ b, rtol=1e-3, atol=1e-3)
    measure(benchmark, call.run, m, n, k)


@pytest.mark.parametrize("activation", [t.Activation.relu, t.Activation.gelu_erf], ids=lambda a: a.name)
@pytest.mark.parametrize(("m", "n", "k"), [(128, 128, 64), (64, 3072, 768), (3136, 64, 64)])
def test_f32_epilogue(benchmark, tier, activation, m, n, k):
    r = np.random.default_rng(0)
    a, b, bias = (r.uniform(-1, 1, s).astype(np.float32) for s in ((m, k), (k, n), (n,)))
    call = t.GemmCall(a, t.GemmPackedB(b), column_bias=bias, activation=activation)
    want = np.vectorize(lambda x: t.activate(activation, x, 0, 0))(a @ b + bias)
    np.testing.assert_allclose(call.run(), want, rtol=1e-3, atol=1e-3)
    measure(benchmark, call.run, m, n, k)


@pytest.mark.parametrize("b_type", ["int8", "uint8"])
@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_int8(benchmark, tier, b_type, m, n, k):
    r = np.random.default_rng(0)
    a, b = r.integers(0, 256, (m, k)).astype(np.uint8), r.integers(0, 127, (k, n)).astype(b_type)
    call = t.GemmInt8Call(a, t.GemmInt8PackedB(b), np.empty((m, n), np.float32), a_zero=128, scale=1e-4)
    want = (a.astype(np.float64) - 128) @ b.astype(np.float64) * 1e-4
    np.testing.assert_allclose(call.run(), want, rtol=1e-5, atol=1e-5)
    measure(benchmark, call.run, m, n, k)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.int64])
def test_typed(benchmark, tier, dtype):
    m = n = k = 512
    r = np.random.default_rng(0)
    a, b = r.integers(-9, 10, (m, k)).astype(dtype), r.integers(-9, 10, (k, n)).astype(dtype)
    c = np.empty((m, n), dtype)
    np.testing.assert_array_equal(t.gemm_typed(a, b, c), (a.astype(np.float64) @ b).astype(dtype))

    def run(times):
        for _ in range(times):
            t.gemm_typed(a, b, c)

    measure(benchmark, run, m, n, k)
