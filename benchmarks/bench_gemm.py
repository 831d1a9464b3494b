"""Float32 products; extra_info has GF/s of the fastest round."""

import numpy as np
import pytest

from engine import _testing as t

SHAPES = [(1024, 1024, 1024), (2048, 2048, 2048), (64, 768, 768), (16, 768, 3072), (16, 3072, 768), (128, 128, 64),
          (128, 64, 128), (1, 3072, 768), (4, 768, 768), (49, 512, 4608), (3136, 64, 64)]


@pytest.mark.parametrize("isa", t.supported_isas()[1:])
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
@pytest.mark.parametrize("m,n,k", SHAPES, ids=lambda s: str(s))
def test_gemm_f32(benchmark, isa, packed, m, n, k):
    t.force_isa(isa)
    r = np.random.default_rng(0)
    a = r.uniform(-1, 1, (m, k)).astype(np.float32)
    b = r.uniform(-1, 1, (k, n)).astype(np.float32)
    call = t.GemmCall(a, t.GemmPackedB(b) if packed else b)
    np.testing.assert_allclose(call.run(), a @ b, rtol=1e-3, atol=1e-3)
    times = max(1, int(2e8 / (2 * m * n * k)))
    benchmark.pedantic(call.run, args=(times,), rounds=10, warmup_rounds=1)
    benchmark.extra_info["GF/s"] = round(2e-9 * m * n * k * times / benchmark.stats.stats.min, 1)
