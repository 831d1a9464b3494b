"""Convolution kernels against a float64 oracle, on every instruction set of this machine."""

from __future__ import annotations

import math

import numpy as np
import pytest

from conv_cases import arrays, oracle, shape
from conv_plans import ACTIVATIONS, all_tiles, blocked, layouts, make_plan, padding_lanes, run
from engine import _testing


def assert_close(s, got, want, x, w):
    terms = s["c_in"] // s["groups"] * math.prod(s["kernel"])
    scale = np.abs(x).max(initial=0) * np.abs(w).max(initial=0)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=float(1e-6 * (1 + scale * math.sqrt(terms) * 2)))


def check(s, seed=0):
    x, w, b, r = arrays(s, seed)
    for pair in layouts(s):
        assert_close(s, run(s, pair, x, w, b, r), oracle(s, x, w, b, r), x, w)


CHANNELS = [(1, 1), (1, 16), (2, 3), (3, 8), (3, 24), (4, 17), (5, 33), (7, 1), (8, 8), (9, 40), (15, 16), (16, 16),
            (16, 31), (17, 15), (20, 64), (24, 32), (31, 7), (32, 48), (33, 5), (40, 39)]  # fmt: skip

GEOMETRIES = {
    "3x3 pad 1": dict(spatial=(9, 11), kernel=(3, 3), pad=1),
    "3x3 no pad": dict(spatial=(7, 16), kernel=(3, 3)),
    "3x3 stride 2": dict(spatial=(10, 15), kernel=(3, 3), stride=2, pad=1),
    "1x1": dict(spatial=(5, 13), kernel=(1, 1)),
    "1x1 stride 2": dict(spatial=(8, 14), kernel=(1, 1), stride=2),
    "1x1 pad": dict(spatial=(3, 4), kernel=(1, 1), pad=(1, 2)),
    "7x7 stride 2 pad 3": dict(spatial=(15, 22), kernel=(7, 7), stride=2, pad=3),
    "5x5 pad 2": dict(spatial=(6, 6), kernel=(5, 5), pad=2),
    "dilated": dict(spatial=(11, 12), kernel=(3, 3), dilation=2, pad=2),
    "dilated beyond input": dict(spatial=(4, 4), kernel=(3, 3), dilation=3, pad=3),
    "stride above kernel": dict(spatial=(13, 17), kernel=(2, 2), stride=(3, 4)),
    "asymmetric pads": dict(spatial=(6, 7), kernel=(3, 2), pad=(0, 1), pad_end=(2, 0)),
    "pads above kernel": dict(spatial=(3, 2), kernel=(2, 3), pad=(4, 5), pad_end=(3, 6)),
    "negative pads": dict(spatial=(9, 9), kernel=(3, 3), pad=(-2, -1), pad_end=(0, -3)),
    "one pixel": dict(spatial=(1, 1), kernel=(3, 3), pad=1),
    "tall kernel": dict(spatial=(12, 5), kernel=(9, 1), pad=(4, 0)),
    "long row": dict(spatial=(1, 100), kernel=(1, 3), pad=(0, 1)),
    "1-D": dict(spatial=(37,), kernel=(5,), pad=2),
    "1-D stride 5": dict(spatial=(64,), kernel=(10,), stride=5),
    "1-D causal dilated": dict(spatial=(21,), kernel=(3,), dilation=4, pad=8, pad_end=0),
    "3-D": dict(spatial=(4, 5, 6), kernel=(3, 3, 3), pad=1),
    "3-D stride 2": dict(spatial=(5, 6, 9), kernel=(2, 3, 3), stride=(2, 1, 2), pad=(0, 1, 1), dilation=(2, 1, 1)),
}


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_dense(tier, geometry):
    for i, (c_in, c_out) in enumerate(CHANNELS):
        check(shape(c_in, c_out, n=1 + i % 2, **GEOMETRIES[geometry]), seed=i)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_depthwise(tier, geometry):
    for channels in (2, 5, 8, 16, 19, 32, 40):
        check(shape(channels, channels, groups=channels, n=2, **GEOMETRIES[geometry]))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_grouped(tier, geometry):
    for c_in, c_out, groups in ((4, 6, 2), (6, 12, 3), (32, 32, 2), (32, 64, 4), (48, 48, 3), (64, 32, 2), (8, 24, 8), (20, 10, 5)):
        check(shape(c_in, c_out, groups=groups, n=2, **GEOMETRIES[geometry]))


@pytest.mark.parametrize("width", range(1, 34))
def test_widths(tier, width):
    for kernel, pad in ((1, 0), (3, 1), (3, 0)):
        if width + 2 * pad >= kernel:
            check(shape(18, 34, (3, width), (1, kernel), pad=(0, pad)))
            check(shape(17, 17, (3, width), (1, kernel), pad=(0, pad), groups=17))


TRANSPOSED = {
    "2x2 stride 2": dict(spatial=(5, 7), kernel=(2, 2), stride=2),
    "3x3 stride 2 pad 1": dict(spatial=(4, 6), kernel=(3, 3), stride=2, pad=1, output_padding=1),
    "4x4 stride 2 pad 1": dict(spatial=(6, 5), kernel=(4, 4), stride=2, pad=1),
    "stride above kernel": dict(spatial=(4, 3), kernel=(2, 1), stride=(3, 4)),
    "stride 1": dict(spatial=(6, 6), kernel=(3, 3), pad=1),
    "dilated": dict(spatial=(5, 4), kernel=(3, 2), stride=(2, 3), dilation=(2, 3), pad=(1, 0)),
    "asymmetric": dict(spatial=(5, 5), kernel=(3, 3), stride=2, pad=(0, 1), pad_end=(1, 2)),
    "1-D": dict(spatial=(17,), kernel=(16,), stride=8, pad=4),
    "3-D": dict(spatial=(3, 4, 5), kernel=(2, 3, 3), stride=(2, 1, 2), pad=(0, 1, 1)),
    "one pixel": dict(spatial=(1, 1), kernel=(3, 3), stride=2),
}


@pytest.mark.parametrize("geometry", TRANSPOSED)
def test_transposed(tier, geometry):
    for c_in, c_out, groups in ((1, 1, 1), (3, 5, 1), (16, 16, 1), (33, 17, 1), (6, 4, 2), (8, 8, 8), (4, 12, 4)):
        check(shape(c_in, c_out, groups=groups, n=2, transposed=True, **TRANSPOSED[geometry]))


def test_reference_is_the_definition():
    for geometry in GEOMETRIES.values():
        s = shape(6, 4, groups=2, n=2, **geometry)
        x, w, b, r = arrays(s)
        assert_close(s, _testing.conv_reference(s, x, w, b, r), oracle(s, x, w, b, r), x, w)
    for geometry in TRANSPOSED.values():
        s = shape(6, 4, groups=2, n=2, transposed=True, **geometry)
        x, w, b, r = arrays(s)
        assert_close(s, _testing.conv_reference(s, x, w, b, r), oracle(s, x, w, b, r), x, w)


CUTS = {
    "one by one": lambda tiles: [(i, i + 1) for i in range(tiles)],
    "backwards": lambda tiles: [(i, i + 1) for i in reversed(range(tiles))],
    "in threes": lambda tiles: [(i, min(i + 3, tiles)) for i in range(0, tiles, 3)],
}

LARGE = [
    shape(64, 80, (28, 28), (3, 3), pad=1),
    shape(256, 72, (31, 29), (1, 1), n=2),
    shape(512, 48, (9, 9), (3, 3), pad=1),
    shape(3, 32, (96, 90), (3, 3), stride=2, pad=1),
    shape(96, 96, (40, 41), (5, 5), pad=2, groups=96),
    shape(64, 64, (33, 35), (3, 3), pad=1, groups=4),
    shape(40, 40, (3000,), (9,), pad=4, n=2),
    shape(48, 24, (23, 24), (4, 4), stride=2, pad=1, transposed=True),
    shape(200, 320, (30, 21), (3, 3), pad=1),
    shape(8, 6, (90, 70), (3, 9), pad=(1, 4)),
    shape(1, 1, (1, 9000), (1, 256), stride=2),
    shape(64, 72, (1500,), (3,), dilation=16),
    shape(40, 5, (70, 72), (70, 70)),
    shape(24, 6, (8, 9), (60, 60), stride=2, transposed=True),
]


@pytest.mark.parametrize("case", range(len(LARGE)))
def test_the_cut_into_tiles_does_not_change_a_bit(tier, case):
    s = LARGE[case]
    x, w, b, r = arrays(s)
    want = oracle(s, x, w, b, r)
    for pair in layouts(s):
        whole = run(s, pair, x, w, b, r)
        assert_close(s, whole, want, x, w)
        for cut in CUTS.values():
            np.testing.assert_array_equal(whole.view(np.uint32), run(s, pair, x, w, b, r, ranges=cut).view(np.uint32))


def test_every_algorithm_is_reached_and_cut(tier):
    seen = {}
    for s in LARGE:
        for pair in layouts(s):
            plan = make_plan(s, pair)
            seen[plan.algorithm] = max(seen.get(plan.algorithm, 0), plan.tiles(0))
    assert set(seen) == {"direct", "depthwise", "panel", "plain_depthwise", "narrow", "winograd"}
    assert min(seen.values()) > 1


def test_an_image_has_the_same_bits_alone_and_in_a_batch(tier):
    for s in (
        shape(24, 40, (13, 13), (3, 3), pad=1, n=3), shape(24, 24, (13, 13), (3, 3), pad=1, n=3, groups=24),
        shape(33, 40, (7, 7), (1, 1), n=3), shape(3, 40, (9, 10), (5, 4), stride=2, pad=1, n=3), shape(17, 33, (3,), (3,), n=3),
        shape(32, 64, (4, 5), (3, 2), stride=2, groups=2, n=3), shape(1, 20, (320,), (128,), stride=64, n=3),
    ):  # fmt: skip
        x, w, b, _ = arrays(s)
        for pair in layouts(s):
            batch = run(s, pair, x, w, b)
            for i in range(3):
                np.testing.assert_array_equal(batch[i : i + 1], run({**s, "n": 1}, pair, x[i : i + 1], w, b))


def activated(name: str, y: np.ndarray, a: float, b: float) -> np.ndarray:
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-y))
    erf = np.vectorize(math.erf, otypes=[float])
    return {
        "none": lambda: y,
        "relu": lambda: np.maximum(y, 0),
        "leaky_relu": lambda: np.where(y < 0, a * y, y),
        "sigmoid": lambda: sigmoid,
        "tanh": lambda: np.tanh(y),
        "clip": lambda: np.minimum(np.maximum(y, a), b),
        "gelu_erf": lambda: y / 2 * (1 + erf(y / math.sqrt(2))),
        "gelu_tanh": lambda: y / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3))),
        "silu": lambda: y * sigmoid,
        "hard_sigmoid": lambda: np.clip(a * y + b, 0, 1),
        "hard_swish": lambda: y * np.clip(y / 6 + 0.5, 0, 1),
    }[name]()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(tier, name):
    a, b = {"leaky_relu": (0.1, 0), "clip": (-0.5, 1.5), "hard_sigmoid": (0.2, 0.5)}.get(name, (0.0, 0.0))
    for s in (shape(20, 21, (6, 9), (3, 3), pad=1), shape(20, 20, (6, 9), (3, 3), pad=1, groups=20)):
        x, w, bias, r = arrays(s)
        w *= 0.1
        want = activated(name, oracle(s, x, w, bias, r), a, b)
        for pair in layouts(s):
            got = run(s, pair, x, w, bias, r, act=(name, a, b))
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=5e-6)
        got = _testing.conv_reference(s, x, w, bias, r, ACTIVATIONS.index(name), a, b)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=5e-6)


def test_bias_and_residual_are_optional(tier):
    for s in (shape(20, 21, (6, 9), (3, 3)), shape(20, 20, (6, 9), (3, 3), groups=20)):
        x, w, b, r = arrays(s)
        for pair in layouts(s):
            for bias in (None, b):
                for residual in (None, r):
                    assert_close(s, run(s, pair, x, w, bias, residual), oracle(s, x, w, bias, residual), x, w)


@pytest.mark.parametrize("name", ["none", "relu", "clip", "leaky_relu", "hard_swish"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_special_values_keep_their_class(tier, name, value):
    a, b = (-0.5, 1.5) if name == "clip" else (0.1, 0.0)
    for groups in (1, 20):
        s = shape(20, 20, (6, 9), (3, 3), pad=1, groups=groups)
        x, w, bias, r = arrays(s)
        x[0, 13, 0, 2, 4] = value
        w[0, 0, 0, 1, 1] = 0.0
        with np.errstate(invalid="ignore"):
            want = activated(name, oracle(s, x, w, bias, r), a, b)
        for pair in layouts(s):
            got = run(s, pair, x, w, bias, r, act=(name, a, b))
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
            np.testing.assert_array_equal(np.isinf(got), np.isinf(want))
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_what_padding_lanes_of_the_input_hold_does_not_matter(tier):
    for groups in (1, 21):
        s = shape(21, 21, (6, 9), (3, 3), pad=1, groups=groups)
        x, w, b, _ = arrays(s)
        for way in (way for way in layouts(s) if way[0] == "blocked"):
            plan = make_plan(s, way)
            x_in = blocked(x)
            clean = plan.run_ranges(x_in, plan.pack(w, b), None, all_tiles(plan))
            padding_lanes(x_in, 21)[...] = np.nan
            dirty = plan.run_ranges(x_in, plan.pack(w, b), None, all_tiles(plan))
            np.testing.assert_array_equal(clean.view(np.uint32), dirty.view(np.uint32))


def test_empty(tier):
    for s in (shape(3, 4, (5, 5), (3, 3), n=0), shape(3, 4, (2, 9), (3, 3)), shape(4, 4, (5, 5), (3, 3), n=0, groups=4),
              shape(4, 4, (9, 2), (3, 3), groups=4), shape(3, 4, (5, 5), (3, 3), n=0, transposed=True)):  # fmt: skip
        x, w, b, _ = arrays(s)
        for pair in layouts(s):
            assert make_plan(s, pair).tiles(0) == 0
            assert run(s, pair, x, w, b).size == 0


def test_an_empty_input_with_pads_gives_the_bias(tier):
    s = shape(5, 6, (0, 4), (2, 3), pad=(2, 1))
    x, w, b, _ = arrays(s)
    for pair in layouts(s):
        np.testing.assert_array_equal(run(s, pair, x, w, b), np.broadcast_to(b.reshape(1, 6, 1, 1, 1), (1, 6, *s["output"])))


def test_packing_is_the_same_in_any_order_and_for_any_spatial_size(tier):
    for case in LARGE:
        _, w, b, _ = arrays(case)
        for pair in layouts(case):
            plan = make_plan(case, pair)
            packed = plan.pack(w, b)
            assert not np.isnan(packed).any()
            np.testing.assert_array_equal(packed, plan.pack(w, b, backwards=True))
            for pixels in (1, 5):
                other = make_plan({**case, "n": 2, "input": [1, pixels, 3], "output": [1, 1, pixels]}, pair)
                if pair[2] == 0 and {plan.algorithm, other.algorithm} & {"winograd", "narrow"}:
                    if other.packing_key != plan.packing_key:
                        continue  # another algorithm or form is the better one
                assert other.packing_key == plan.packing_key
                np.testing.assert_array_equal(packed, other.pack(w, b))


def test_layout_conversion_round_trips(tier):
    rng = np.random.default_rng(1)
    lanes = _testing.block_lanes()
    for channels in (1, 3, lanes - 1, lanes, lanes + 1, 3 * lanes):
        for pixels in (0, 1, 7, 15, 16, 17, 33, 50):
            x = rng.standard_normal((2, channels, pixels), dtype=np.float32)
            y = blocked(x)
            blocks = -(-channels // lanes)
            padded = np.zeros((2, blocks * lanes, pixels), np.float32)
            padded[:, :channels] = x
            np.testing.assert_array_equal(y, padded.reshape(2, blocks, lanes, pixels).swapaxes(2, 3))
            np.testing.assert_array_equal(_testing.from_blocked(y, channels), x)


def test_blocked_is_preferred_where_blocks_fill(tier):
    lanes = _testing.block_lanes()
    size = dict(spatial=(14, 14), kernel=(3, 3), pad=1)
    preferred = [shape(64, 64, **size), shape(64, 64, groups=64, **size), shape(64, 64, groups=2, **size)]
    plain = [shape(64, 64, groups=32, **size), shape(64, 1, **size), shape(1, 64, **size), shape(64, 64, transposed=True, **size),
             shape(lanes // 2 * 6, lanes * 6, groups=6, **size)]  # fmt: skip
    for s in preferred:
        assert _testing.conv_prefers_blocked(s)
        assert _testing.ConvPlan(s, "blocked", "blocked").algorithm in ("direct", "depthwise", "winograd")
    for s in plain:
        assert not _testing.conv_prefers_blocked(s)
