"""Arrays of every element type, for operators that only move elements."""

import ml_dtypes
import numpy as np

MOVED = [
    np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16,
    np.uint32, np.uint64, np.bool_, np.complex64, np.complex128, ml_dtypes.float8_e4m3fn, ml_dtypes.int4, np.object_,
]  # fmt: skip
WIDTHS = [np.uint8, np.float16, np.float32, np.int64, np.complex128, np.object_]


def draw(shape, dtype=np.float32, seed=3):
    """Distinct-looking elements of `dtype`; strings for np.object_."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind == "O":
        return np.array([f"s{v}" * (1 + v % 9) for v in rng.integers(0, 1000, n)], dtype=object).reshape(shape)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    if dtype == np.dtype(ml_dtypes.int4):
        return rng.integers(-8, 8, shape).astype(np.int8).astype(dtype)
    return (rng.standard_normal(shape) * 10).astype(dtype)


def draw_numbers(shape, dtype=np.float32, seed=3, low=-20, high=20):
    """Small numbers, so that sums and products do not overflow."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "u":
        low = 0
    values = rng.integers(low, high, shape)
    return values.astype(np.int64 if np.dtype(dtype).kind in "iu" else np.float64).astype(dtype)
