"""Convolution layers of real networks, one thread: GF/s of every layout pair.

    pytest benchmarks/bench_conv.py [-k resnet50] [--benchmark-sort=name]
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import _testing

# name: (c_in, c_out, height, width, kernel, stride, groups); padding keeps the size where the stride is 1.
LAYERS = {
    "resnet50 7x7s2 3-64 @224": (3, 64, 224, 224, 7, 2, 1),
    "resnet50 3x3 64-64 @56": (64, 64, 56, 56, 3, 1, 1),
    "resnet50 3x3 128-128 @28": (128, 128, 28, 28, 3, 1, 1),
    "resnet50 3x3 256-256 @14": (256, 256, 14, 14, 3, 1, 1),
    "resnet50 3x3 512-512 @7": (512, 512, 7, 7, 3, 1, 1),
    "resnet50 3x3s2 128-128 @56": (128, 128, 56, 56, 3, 2, 1),
    "resnet50 1x1 64-256 @56": (64, 256, 56, 56, 1, 1, 1),
    "resnet50 1x1 256-64 @56": (256, 64, 56, 56, 1, 1, 1),
    "resnet50 1x1 512-128 @28": (512, 128, 28, 28, 1, 1, 1),
    "resnet50 1x1 256-1024 @14": (256, 1024, 14, 14, 1, 1, 1),
    "resnet50 1x1 1024-256 @14": (1024, 256, 14, 14, 1, 1, 1),
    "resnet50 1x1 2048-512 @7": (2048, 512, 7, 7, 1, 1, 1),
    "resnet50 1x1s2 1024-2048 @14": (1024, 2048, 14, 14, 1, 2, 1),
    "mobilenet_v2 3x3s2 3-32 @224": (3, 32, 224, 224, 3, 2, 1),
    "mobilenet_v2 dw3x3 32 @112": (32, 32, 112, 112, 3, 1, 32),
    "mobilenet_v2 dw3x3s2 96 @112": (96, 96, 112, 112, 3, 2, 96),
    "mobilenet_v2 dw3x3 144 @56": (144, 144, 56, 56, 3, 1, 144),
    "mobilenet_v2 dw3x3 384 @14": (384, 384, 14, 14, 3, 1, 384),
    "mobilenet_v2 dw3x3 960 @7": (960, 960, 7, 7, 3, 1, 960),
    "mobilenet_v2 1x1 16-96 @112": (16, 96, 112, 112, 1, 1, 1),
    "mobilenet_v2 1x1 144-24 @56": (144, 24, 56, 56, 1, 1, 1),
    "mobilenet_v2 1x1 384-64 @14": (384, 64, 14, 14, 1, 1, 1),
    "mobilenet_v2 1x1 320-1280 @7": (320, 1280, 7, 7, 1, 1, 1),
    "ppocr rec dw5x5 256 @6x80": (256, 256, 6, 80, 5, 1, 256),
    "ppocr rec 1x1 256-512 @3x80": (256, 512, 3, 80, 1, 1, 1),
    "ppocr det 9x9 64-16 @40x40": (64, 16, 40, 40, 9, 1, 1),
    "convnext dw7x7 96 @56": (96, 96, 56, 56, 7, 1, 96),
    "wav2vec 1-D 512-512 k3s2 @3199": (512, 512, 1, 3199, (1, 3), (1, 2), 1),
}
PAIRS = [("blocked", "blocked"), ("plain", "blocked"), ("plain", "plain")]


def geometry(layer: str) -> dict:
    c_in, c_out, height, width, kernel, stride, groups = LAYERS[layer]
    pair = lambda v: [v, v] if isinstance(v, int) else list(v)
    kernel, stride, size = pair(kernel), pair(stride), [height, width]
    pads = [k // 2 for k in kernel]
    out = [(i + 2 * p - k) // s + 1 for i, p, k, s in zip(size, pads, kernel, stride)]
    return dict(n=1, c_in=c_in, c_out=c_out, groups=groups, transposed=False, input=[1, *size], output=[1, *out],
                kernel=[1, *kernel], stride=[1, *stride], dilation=[1, 1, 1], pad_begin=[0, *pads])  # fmt: skip


def assert_answer(s: dict, got: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> None:
    """The first and last rows of a few channels against the reference."""
    group_in, group_out = s["c_in"] // s["groups"], s["c_out"] // s["groups"]
    for channel in sorted({0, s["c_out"] // 2, s["c_out"] - 1}):
        first = channel // group_out * group_in
        one = {**s, "c_in": group_in, "c_out": 1, "groups": 1}
        want = _testing.conv_reference(one, np.ascontiguousarray(x[:, first : first + group_in]),
                                       w[channel : channel + 1], b[channel : channel + 1])  # fmt: skip
        np.testing.assert_allclose(got[:, channel], want[:, 0], rtol=1e-4, atol=1e-4 * math.sqrt(w[0].size))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p[0]}-{p[1]}")
@pytest.mark.parametrize("layer", LAYERS)
def test_layer(benchmark, layer, pair):
    s = geometry(layer)
    if not _testing.conv_supports(s, *pair):
        pytest.skip(f"{pair[0]} to {pair[1]} has no algorithm for this layer")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, s["c_in"], *s["input"]), dtype=np.float32)
    w = rng.standard_normal((s["c_out"], s["c_in"] // s["groups"], *s["kernel"]), dtype=np.float32)
    b = rng.standard_normal(s["c_out"], dtype=np.float32)
    plan = _testing.ConvPlan(s, *pair)
    packed, y = plan.pack(w, b), plan.empty_output()
    x_in = _testing.to_blocked(x) if pair[0] == "blocked" else x
    plan.run_into(x_in, packed, None, y)
    assert_answer(s, _testing.from_blocked(y, s["c_out"]) if pair[1] == "blocked" else y, x, w, b)

    benchmark(plan.run_into, x_in, packed, None, y)
    flops = 2 * math.prod(s["output"]) * math.prod(s["kernel"]) * s["c_in"] * s["c_out"] // s["groups"]
    benchmark.extra_info.update(
        isa=_testing.active_isa(), algorithm=plan.algorithm, tiles=sum(plan.tiles(i) for i in range(plan.stages)),
        gflops=round(flops / benchmark.stats["min"] * 1e-9, 1), tile_us=round(benchmark.stats["min"] / sum(plan.tiles(i) for i in range(plan.stages)) * 1e6),
    )  # fmt: skip
