"""Products as a share of what the machine reaches in the same run: multiply-adds from registers, or bytes read by a plain loop.

extra_info has the product's rate, the machine's rate that was measured between its rounds, and the share of one in the other.
"""

import statistics
import time

import numpy as np
import pytest
from onnx import TensorProto, helper

import engine
from engine import _core
from engine import _testing as t

TIERS = [isa for isa in t.supported_isas() if isa in ("avx2", "avx512")]
ROUNDS = 15


def force(isa):
    """Kernels on their own and models, each of which has a core of its own."""
    t.force_isa(isa)
    _core._force_isa(isa)


@pytest.fixture(params=TIERS)
def tier(request):
    before = engine.isa()
    force(request.param)
    yield request.param
    force(before)


def compare(benchmark, run, units, limit, unit):
    """run() does `units` of work; limit(n) measures the machine, for as long as n runs take where that matters.

    They take turns; each counts with the median of its rounds.
    """
    limits = []
    begin = time.perf_counter()
    run()
    iterations = max(1, int(0.05 / (time.perf_counter() - begin)))
    benchmark.pedantic(
        run, rounds=ROUNDS, iterations=iterations, warmup_rounds=1, teardown=lambda: limits.append(limit(iterations))
    )
    if benchmark.stats:
        rate = units / benchmark.stats.stats.median * 1e-9
        benchmark.extra_info[unit] = round(rate, 1)
        benchmark.extra_info[f"machine {unit}"] = round(statistics.median(limits), 1)
        benchmark.extra_info["share"] = round(rate / statistics.median(limits), 3)


def random(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize(("m", "n", "k"), [(1024, 1024, 1024), (2048, 2048, 2048), (64, 768, 768)])
def test_product_on_one_core(benchmark, tier, m, n, k):
    a, b = random(m, k), random(k, n)
    call = t.GemmCall(a, t.GemmPackedB(b))
    np.testing.assert_allclose(call.run(), a @ b, rtol=1e-3, atol=1e-3)
    compare(benchmark, call.run, 2 * m * n * k, lambda _: t.fma_gflops(tier), "GF/s")


@pytest.mark.parametrize(("n", "k"), [(3072, 768), (768, 3072), (256, 512)])
def test_one_row(benchmark, tier, n, k):
    a, b = random(1, k), random(k, n)
    call = t.GemmCall(a, t.GemmPackedB(b))
    np.testing.assert_allclose(call.run(), a @ b, rtol=1e-3, atol=1e-3)
    compare(benchmark, call.run, 4 * n * k, lambda runs: t.read_gbps(tier, 4 * n * k, passes=runs), "GB/s")


def chain(size, products):
    """x [size, size] through `products` square products, then to 16 columns: little of the time is the output's."""
    widths = [size] * products + [16]
    nodes, weights, name = [], [], "x"
    for i, width in enumerate(widths):
        w = random(size, width) / np.float32(np.sqrt(size))
        weights.append(helper.make_tensor(f"w{i}", TensorProto.FLOAT, w.shape, w.tobytes(), raw=True))
        nodes.append(helper.make_node("MatMul", [name, f"w{i}"], [f"h{i}"]))
        name = f"h{i}"
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [size, None]) for n in ("x", name))
    graph = helper.make_graph(nodes, "chain", [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@pytest.mark.parametrize("threads", sorted({1, min(2, engine.cpus())}))
@pytest.mark.parametrize("size", [1024])
def test_products_of_a_model(benchmark, tier, size, threads):
    model, x = engine.load(chain(size, 3), threads=threads), random(size, size)
    units = 2 * size * size * (3 * size + 16)
    compare(benchmark, lambda: model.run({"x": x}), units, lambda _: t.fma_gflops(tier, threads=threads), "GF/s")
