"""A dense convolution joined with the depthwise one that reads it: the bits of the two one after the other."""

import numpy as np
import pytest

from conv_cases import arrays, shape
from conv_plans import ACTIVATIONS, DIRECT, all_tiles, blocked, make_plan
from engine import _testing

DENSE = {
    "1x1": dict(kernel=(1, 1)),
    "1x1 stride 2": dict(kernel=(1, 1), stride=2),
    "1x1 pad": dict(kernel=(1, 1), pad=(1, 2)),
    "3x3": dict(kernel=(3, 3), pad=1),
    "3x3 stride 2": dict(kernel=(3, 3), pad=1, stride=2),
    "2x5": dict(kernel=(2, 5), pad=(0, 2), stride=(3, 1), dilation=(1, 2)),
}
DEPTHWISE = {
    "3x3": dict(kernel=(3, 3), pad=1),
    "3x3 stride 2": dict(kernel=(3, 3), pad=1, stride=2),
    "5x5": dict(kernel=(5, 5), pad=2),
    "stride above kernel": dict(kernel=(2, 2), stride=(5, 3)),
    "dilated": dict(kernel=(3, 3), pad=3, dilation=3),
    "uneven pads": dict(kernel=(3, 4), pad=(0, 2), pad_end=(2, 1)),
    "wide pads": dict(kernel=(3, 3), pad=(7, 4), pad_end=(6, 5)),
    "cropped": dict(kernel=(3, 3), pad=(-2, -1), pad_end=(-1, 0)),
    "row": dict(kernel=(1, 5), pad=(0, 2)),
    "column": dict(kernel=(5, 1), pad=(2, 0)),
}
NONE, RELU6, SILU = ("none", 0.0, 0.0), ("clip", 0.0, 6.0), ("silu", 0.0, 0.0)


def pair_of(c_in, c_out, spatial, dense, depthwise, n=1):
    first = shape(c_in, c_out, spatial, n=n, **dense)
    return first, shape(c_out, c_out, tuple(first["output"][1:]), n=n, groups=c_out, **depthwise)


def one_after_the_other(first, second, layout, x, weights, acts):
    between = None
    for s, way, w, b, act in ((first, (layout, "blocked", DIRECT), *weights[:2], acts[0]), (second, ("blocked", "blocked", 0), *weights[2:], acts[1])):
        plan = make_plan(s, way, act)
        between = plan.run_ranges(x if between is None else between, plan.pack(w, b), None, all_tiles(plan))
    return between


def check(first, second, acts=(RELU6, NONE), ranges=None, x=None):
    made, w1, b1, _ = arrays(first)
    _, w2, b2, _ = arrays(second, seed=1)
    x = made if x is None else x
    for layout in ("plain", "blocked"):
        if not _testing.conv_depthwise_fits(first, layout, second):
            assert 0 in (*first["output"], *second["output"])
            continue
        data = blocked(x) if layout == "blocked" else x
        plan = _testing.ConvDepthwisePlan(first, layout, number(acts[0]), second, number(acts[1]))
        got = plan.run(data, w1, b1, w2, b2, ranges(plan.tiles) if ranges else [(0, plan.tiles)])
        want = one_after_the_other(first, second, layout, data, (w1, b1, w2, b2), acts)
        np.testing.assert_array_equal(got.view(np.uint32), want.view(np.uint32))


def number(act):
    return (ACTIVATIONS.index(act[0]), *act[1:])


@pytest.mark.parametrize("depthwise", DEPTHWISE)
@pytest.mark.parametrize("dense", DENSE)
def test_geometries(tier, dense, depthwise):
    for i, (c_in, c_out, spatial) in enumerate([(3, 16, (23, 15)), (16, 31, (12, 14)), (18, 40, (17, 33)), (33, 5, (9, 7))]):
        check(*pair_of(c_in, c_out, spatial, DENSE[dense], DEPTHWISE[depthwise], n=1 + i % 2))


# Planes of several tiles, whose rows do not all fit scratch.
LARGE = [
    pair_of(24, 72, (90, 75), DENSE["1x1"], DEPTHWISE["3x3"]),
    pair_of(16, 40, (112, 112), DENSE["1x1"], DEPTHWISE["3x3 stride 2"], n=2),
    pair_of(20, 33, (80, 61), DENSE["1x1"], DEPTHWISE["5x5"]),
    pair_of(3, 32, (160, 129), DENSE["3x3 stride 2"], DEPTHWISE["3x3"]),
    pair_of(8, 24, (64, 200), DENSE["3x3"], DEPTHWISE["dilated"]),
    pair_of(4, 16, (300, 40), DENSE["1x1"], DEPTHWISE["stride above kernel"]),
    pair_of(160, 96, (7, 7), DENSE["1x1"], DEPTHWISE["3x3"], n=3),
]


@pytest.mark.parametrize("case", range(len(LARGE)))
def test_the_cut_into_tiles_does_not_change_a_bit(tier, case):
    check(*LARGE[case])
    check(*LARGE[case], ranges=lambda tiles: [(i, i + 1) for i in reversed(range(tiles))])


def test_there_are_several_tiles_of_an_image(tier):
    first, second = LARGE[0]
    blocks = -(-72 // _testing.block_lanes())
    assert _testing.ConvDepthwisePlan(first, "blocked", number(NONE), second, number(NONE)).tiles > blocks


@pytest.mark.parametrize("acts", [(NONE, RELU6), (SILU, NONE), (("hard_swish", 0.0, 0.0), SILU)])
def test_activations(tier, acts):
    check(*pair_of(17, 37, (13, 18), DENSE["1x1"], DEPTHWISE["3x3"]), acts=acts)


def test_values_that_are_not_finite(tier):
    first, second = pair_of(20, 40, (30, 40), DENSE["1x1"], DEPTHWISE["3x3"])
    x = arrays(first)[0].copy()
    x[0, 3, 0, 4, 5], x[0, 7, 0, 20, 39], x[0, 9, 0, 29, 0] = np.nan, np.inf, -np.inf
    for acts in ((NONE, NONE), (RELU6, SILU)):
        check(first, second, acts=acts, x=x)


def test_no_images(tier):
    check(*pair_of(20, 40, (9, 9), DENSE["1x1"], DEPTHWISE["3x3"], n=0))


def test_pairs_that_do_not_fit():
    first, second = pair_of(16, 32, (9, 9), DENSE["1x1"], DEPTHWISE["3x3"])
    assert _testing.conv_depthwise_fits(first, "plain", second)
    assert not _testing.conv_depthwise_fits({**first, "groups": 2}, "plain", second)
    assert not _testing.conv_depthwise_fits(first, "plain", {**second, "groups": 2})
    assert not _testing.conv_depthwise_fits(first, "plain", {**second, "input": [1, 9, 8]})
    assert not _testing.conv_depthwise_fits(second, "plain", second)
    deep = shape(16, 32, (3, 4, 5), (1, 1, 1))
    assert not _testing.conv_depthwise_fits(deep, "plain", shape(32, 32, (3, 4, 5), (3, 3, 3), groups=32, pad=1))
