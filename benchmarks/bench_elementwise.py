"""Element-wise, reduction, softmax, normalisation and transposition kernels by tier; extra_info has ns an element."""

import numpy as np
import pytest

from engine import _testing as t

TIERS = t.supported_isas()
BLOCK = 16384  # elements: a block of a fused program, in the second cache


@pytest.fixture(params=TIERS)
def tier(request):
    before = t.active_isa()
    t.force_isa(request.param)
    yield request.param
    t.force_isa(before)


def measure(benchmark, elements, run):
    benchmark.pedantic(run, rounds=50, iterations=20, warmup_rounds=2)
    if benchmark.stats:
        benchmark.extra_info["ns/element"] = round(1e9 * benchmark.stats.stats.min / elements, 4)


def normal(*shape):
    return np.random.default_rng([*shape]).standard_normal(shape).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


UNARY = {
    "relu": lambda x: np.maximum(x, 0),
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "gelu_tanh": lambda x: x * sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "sqrt": np.sqrt,
}


@pytest.mark.parametrize("op", [*UNARY, "erf", "gelu_erf"])
def test_unary(benchmark, tier, op):
    x = np.abs(normal(BLOCK)) if op in ("log", "sqrt") else normal(BLOCK)
    y = np.empty_like(x)

    def run():
        t.elementwise.unary("f32", op, x, y, 1.0, 0.0)

    run()
    if op in UNARY:
        np.testing.assert_allclose(y, UNARY[op](x.astype(np.float64)), rtol=1e-5, atol=1e-6)
    measure(benchmark, BLOCK, run)


@pytest.mark.parametrize(("op", "want"), [("add", np.add), ("div", np.divide), ("max", np.maximum), ("pow", np.power)])
def test_binary(benchmark, tier, op, want):
    a, b, y = np.abs(normal(BLOCK)), normal(BLOCK), np.empty(BLOCK, np.float32)

    def run():
        t.elementwise.binary("f32", op, a, b, y)

    run()
    np.testing.assert_allclose(y, want(a, b), rtol=1e-6)
    measure(benchmark, BLOCK, run)


@pytest.mark.parametrize(("source", "target"), [("f32", "f16"), ("f16", "f32"), ("f32", "u8"), ("u8", "f32")])
def test_convert(benchmark, tier, source, target):
    dtypes = {"f32": np.float32, "f16": np.float16, "u8": np.uint8}
    x = np.random.default_rng(0).integers(0, 256, BLOCK).astype(dtypes[source])
    y = np.empty(BLOCK, dtypes[target])

    def run():
        t.elementwise.convert(source, target, x, y)

    run()
    np.testing.assert_array_equal(y, x)
    measure(benchmark, BLOCK, run)


@pytest.mark.parametrize("n", [49, 128, 1000, 50257])
@pytest.mark.parametrize("op", ["sum", "max"])
def test_reduce_rows(benchmark, tier, op, n):
    x = normal(max(1, BLOCK // n), n)
    want = {"sum": np.sum, "max": np.max}[op](x.astype(np.float64), 1)

    def run():
        return t.reduce.rows(op, x)

    np.testing.assert_allclose(run(), want, rtol=1e-4, atol=1e-4)
    measure(benchmark, x.size, run)


@pytest.mark.parametrize("n", [16, 128, 1000, 50257])
def test_softmax(benchmark, tier, n):
    x = normal(max(1, BLOCK // n), n)
    y = np.empty_like(x)

    def run():
        t.softmax.softmax_rows(x, y)

    run()
    e = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(y, e / e.sum(1, keepdims=True), rtol=1e-5)
    measure(benchmark, x.size, run)


@pytest.mark.parametrize("n", [256, 768, 4096])
def test_layer_norm(benchmark, tier, n):
    x, scale, bias = normal(max(1, BLOCK // n), n), normal(n), normal(n)
    y = np.empty_like(x)

    def run():
        t.norm.layer_norm(x, y, 1e-5, scale, bias)

    run()
    wide = x.astype(np.float64)
    want = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5) * scale + bias
    np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)
    measure(benchmark, x.size, run)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize(
    ("shape", "perm"),
    [
        ((1024, 1024), (1, 0)),
        ((64, 56, 56), (1, 2, 0)),
        ((56, 56, 64), (2, 0, 1)),
        ((224, 224, 3), (2, 0, 1)),
        ((128, 12, 64), (1, 0, 2)),
        ((128, 12, 64), (1, 2, 0)),
    ],
)
def test_transpose(benchmark, tier, shape, perm, dtype):
    x = np.random.default_rng(0).integers(0, 256, shape).astype(dtype).transpose(perm)
    y = np.empty(x.shape, dtype)

    def run():
        t.transpose.copy(x, y)

    run()
    np.testing.assert_array_equal(x, y)
    measure(benchmark, x.size, run)
