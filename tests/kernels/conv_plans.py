"""Running convolution plans on plain arrays, in every layout and form."""

from __future__ import annotations

import numpy as np

from engine import _testing

ACTIVATIONS = _testing.CONV_ACTIVATIONS


def blocked(x: np.ndarray) -> np.ndarray:
    return _testing.to_blocked(np.ascontiguousarray(x))


DIRECT = -1


def layouts(s: dict) -> list[tuple[str, str, int]]:
    """Layouts of input and output and a form: 0 as the core chooses, DIRECT, or products of Winograd's inner axis."""
    pairs = [("plain", "plain"), ("plain", "blocked"), ("blocked", "blocked")]
    ways = [(*pair, 0) for pair in pairs if _testing.conv_supports(s, *pair)]
    forms = _testing.conv_winograd_forms(s)
    return ways + [("blocked", "blocked", form) for form in ([DIRECT, *forms] if forms else [])]


def make_plan(s: dict, way: tuple[str, str, int], act=("none", 0.0, 0.0)):
    return _testing.ConvPlan(s, way[0], way[1], ACTIVATIONS.index(act[0]), act[1], act[2], form=way[2])


def all_tiles(plan) -> list[list[tuple[int, int]]]:
    return [[(0, plan.tiles(stage))] for stage in range(plan.stages)]


def padding_lanes(y: np.ndarray, channels: int) -> np.ndarray:
    lanes = y.shape[-1]
    return y[:, -1][..., channels - (y.shape[1] - 1) * lanes :]


def run(s, pair, x, w, b=None, r=None, act=("none", 0.0, 0.0), ranges=None):
    """The result in the plain layout; asserts that padding lanes are +0."""
    plan = make_plan(s, pair, act)
    x_in = blocked(x) if pair[0] == "blocked" else x
    r_in = blocked(r) if r is not None and pair[1] == "blocked" else r
    cut = [ranges(plan.tiles(stage)) for stage in range(plan.stages)] if ranges else all_tiles(plan)
    y = plan.run_ranges(x_in, plan.pack(w, b), r_in, cut)
    if pair[1] == "plain":
        return y
    lanes = padding_lanes(y, s["c_out"])
    assert not lanes.view(np.uint32).any()
    return _testing.from_blocked(y, s["c_out"])
