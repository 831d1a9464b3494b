"""Inputs and error measures that the kernel tests share."""

import numpy as np

SPECIAL = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1e-45, -1e-45, 1.17549435e-38, -1.17549421e-38,
     3.4028235e38, -3.4028235e38, 88.72283, 88.72284, -87.33655, -103.97208, 2.5, 3.5, -2.5, 1e10, -1e10, 16777216.0],
    np.float32,
)  # fmt: skip


def float_sweep(step=997):
    """Every step-th float32 bit pattern, every float16 value and the special values."""
    patterns = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
    return np.concatenate([patterns, halves, SPECIAL])


def ulp_error(got, want):
    """|got - want| in units in the last place of float32(want); zero where both are the same infinity or NaN."""
    with np.errstate(over="ignore"):
        rounded = want.astype(np.float32)
    finite = np.isfinite(rounded)
    with np.errstate(invalid="ignore", over="ignore"):
        unit = np.spacing(np.abs(np.where(finite, rounded, 1))).astype(np.float64)
        error = np.abs(got.astype(np.float64) - want) / unit
    return np.where(finite, error, 0)


def assert_same_class(got, want):
    """NaN for NaN and infinity for the same infinity."""
    with np.errstate(over="ignore"):
        rounded = want.astype(np.float32)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(rounded))
    infinite = np.isinf(rounded)
    np.testing.assert_array_equal(np.isinf(got), infinite)
    np.testing.assert_array_equal(got[infinite], rounded[infinite])


def assert_same(got, want):
    """Equal values, NaN for NaN; the sign of a zero is free."""
    np.testing.assert_array_equal(got, want)
