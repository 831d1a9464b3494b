"""Winograd's convolution: its rounding errors, values that are not finite, where it is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from conv_cases import arrays, oracle, shape
from conv_plans import DIRECT, run
from engine import _testing


def relative_error(s: dict, form: int) -> float:
    x, w, b, _ = arrays(s)
    want = oracle(s, x, w, b)
    got = run(s, ("blocked", "blocked", form), x, w, b)
    return float(np.sqrt(((got - want) ** 2).mean()) / want.std())


# The root of the mean square error, as a multiple of that of summing directly.
ERRORS = {
    (3, 2): {4: 1.5, 6: 4.5},
    (5, 2): {6: 4.5},
    (3, 1): {4: 1.5, 6: 3.0, 8: 5.0},
    (5, 1): {6: 3.0, 8: 5.0},
    (7, 1): {8: 5.0},
}


@pytest.mark.parametrize("extent,rank", ERRORS)
def test_errors_are_a_small_multiple_of_those_of_direct_sums(tier, extent, rank):
    s = shape(96, 48, (24,) * rank if rank == 2 else (300,), (extent,) * rank, pad=extent // 2)
    direct = relative_error(s, DIRECT)
    assert _testing.conv_winograd_forms(s) == list(ERRORS[extent, rank])
    for form, most in ERRORS[extent, rank].items():
        assert relative_error(s, form) < most * direct


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_reaches_only_the_pixels_that_read_it(tier, value):
    for s in (shape(40, 37, (19, 23), (3, 3), pad=1, n=2), shape(260, 300, (9, 9), (3, 3)), shape(20, 40, (50,), (5,), dilation=3),
              shape(20, 40, (30, 3), (3, 1))):  # fmt: skip
        x, w, b, r = arrays(s)
        x[0, 17, 0, -1, -2] = value
        w[3, 17] = 0
        with np.errstate(invalid="ignore"):
            want = oracle(s, x, w, b, r)
        for form in _testing.conv_winograd_forms(s):
            got = run(s, ("blocked", "blocked", form), x, w, b, r)
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
            np.testing.assert_array_equal(np.isposinf(got), np.isposinf(want))
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-3)


def test_sums_that_only_the_transforms_overflow_are_finite(tier):
    s = shape(32, 32, (12, 12), (3, 3), pad=1)
    x, w, b, _ = arrays(s)
    x *= np.float32(1e37)
    w *= np.float32(0.05)
    want = oracle(s, x, w, b)
    assert np.abs(want).max() < 3e38
    for form in _testing.conv_winograd_forms(s):
        np.testing.assert_allclose(run(s, ("blocked", "blocked", form), x, w, b), want, rtol=1e-3, atol=1e33)


def test_weights_that_are_not_finite(tier):
    s = shape(32, 24, (9, 10), (3, 3), pad=1)
    x, w, b, _ = arrays(s)
    w[5, 3, 0, 1, 1], w[7, 2, 0, 0, 0] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        want = oracle(s, x, w, b)
    for form in _testing.conv_winograd_forms(s):
        got = run(s, ("blocked", "blocked", form), x, w, b)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-3)


def test_forms():
    many = dict(spatial=(28, 28), kernel=(3, 3), pad=1)
    assert _testing.conv_winograd_forms(shape(64, 64, **many)) == [4, 6]
    for other in (shape(64, 64, **{**many, "kernel": (1, 1)}), shape(64, 64, stride=2, **many), shape(64, 64, groups=2, **many),
                  shape(64, 64, transposed=True, **many), shape(64, 64, (28, 28), (3, 5)), shape(64, 64, (28, 28), (2, 2)),
                  shape(64, 64, (5, 28, 28), (3, 3, 3)), shape(64, 64, (28, 28), (9, 1))):  # fmt: skip
        assert _testing.conv_winograd_forms(other) == []


def test_chosen_where_there_are_many_channels():
    many = dict(spatial=(28, 28), kernel=(3, 3), pad=1)
    assert _testing.ConvPlan(shape(128, 128, **many), "blocked", "blocked").algorithm == "winograd"
    assert _testing.ConvPlan(shape(1, 4, **many), "blocked", "blocked").algorithm == "direct"
