"""Softmax and log-softmax of rows and columns, against float64."""

import numpy as np
import pytest

from engine import _testing

kernels = _testing.softmax
pytestmark = pytest.mark.usefixtures("tier")

LENGTHS = [*range(1, 70), 127, 128, 1000, 4096, 4097, 20000]


def softmax(x, axis=-1):
    with np.errstate(invalid="ignore"):
        e = np.exp(x - x.max(axis, keepdims=True))
        return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis=-1):
    with np.errstate(invalid="ignore"):
        shifted = x - x.max(axis, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def values(*shape):
    return (np.random.default_rng([*shape]).standard_normal(shape) * 5).astype(np.float32)


def check(got, want):
    # rounding the difference to the maximum, up to 64 here, is an error of 2e-6 of the exponential
    np.testing.assert_allclose(got, want, rtol=5e-6, atol=1e-37)


def check_log(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=2e-6)


def test_rows():
    for n in LENGTHS:
        x = values(3, n)
        y = np.empty_like(x)
        kernels.softmax_rows(x, y)
        check(y, softmax(x.astype(np.float64)))
        in_place = x.copy()
        kernels.softmax_rows(in_place, in_place)
        np.testing.assert_array_equal(in_place, y)
        kernels.log_softmax_rows(x, y)
        check_log(y, log_softmax(x.astype(np.float64)))


def test_scale_and_mask():
    for n in [1, 5, 16, 17, 64, 100, 333]:
        x, masks = values(4, n), values(5, n)[:4]
        masks[:, n // 2 + 1 :] = -np.inf
        for mask in (masks, masks[:1].copy(), None):
            for scale in (1.0, 0.125, -0.5):
                y = np.empty_like(x)
                kernels.softmax_rows(x, y, scale, mask)
                with np.errstate(invalid="ignore"):
                    check(y, softmax(x.astype(np.float64) * scale + (0 if mask is None else mask)))


def test_columns():
    for n in [1, 2, 3, 63, 64, 65, 200]:
        for count in [1, 2, 7, 15, 16, 17, 40]:
            x = values(n, count)
            y, log = np.empty_like(x), np.empty_like(x)
            kernels.softmax_columns(x, y, 0, count)
            kernels.log_softmax_columns(x, log, 0, count)
            check(y, softmax(x.astype(np.float64), 0))
            check_log(log, log_softmax(x.astype(np.float64), 0))
            in_place = x.copy()
            kernels.softmax_columns(in_place, in_place, 0, count)
            np.testing.assert_array_equal(in_place, y)


def test_cut_columns_give_the_same_bits():
    x = values(130, 77)
    whole, parts = np.empty_like(x), np.empty_like(x)
    kernels.softmax_columns(x, whole, 0, 77)
    for a, b in [(0, 5), (5, 37), (37, 38), (38, 77)]:
        kernels.softmax_columns(x, parts, a, b)
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("n", [1, 4, 16, 35])
def test_special_rows(n):
    x = np.zeros((6, n), np.float32)
    x[0] = -np.inf
    x[1, 0] = np.inf
    x[2, n - 1] = np.nan
    x[3, : n - 1] = -np.inf
    x[4] = 3e38
    x[5] = -3e38
    y, log = np.empty_like(x), np.empty_like(x)
    kernels.softmax_rows(x, y)
    kernels.log_softmax_rows(x, log)
    check(y, softmax(x.astype(np.float64)))
    assert np.isnan(y[:3]).all()
    assert not np.isnan(y[3:]).any()
    check_log(log[3:], log_softmax(x.astype(np.float64))[3:])
    assert np.isnan(log[:3]).all()
    columns = np.empty((n, 6), np.float32)
    kernels.softmax_columns(np.ascontiguousarray(x.T), columns, 0, 6)
    check(columns.T, softmax(x.astype(np.float64)))


def test_exponentials_below_the_normal_numbers_are_zero():
    depths = np.float32([87.3, 87.34, 88, 90, 100, 103, 104, 150, 1e30, np.inf])
    for n in (11, 40):
        x = np.zeros((1, n), np.float32)
        x[0, 1 : 1 + len(depths)] = -depths
        kept = np.exp(x.astype(np.float64)) >= np.finfo(np.float32).tiny
        rows, columns = np.empty_like(x), np.empty_like(x.T.copy())
        kernels.softmax_rows(x, rows)
        kernels.softmax_columns(x.T.copy(), columns, 0, 1)
        for y in (rows, columns.T):
            assert np.all(y[~kept] == 0)
            assert np.all(y[kept] > 0)
            check(y, softmax(x.astype(np.float64)))


def test_rows_sum_to_one():
    x = values(50, 30000)
    y = np.empty_like(x)
    kernels.softmax_rows(x, y)
    np.testing.assert_allclose(y.astype(np.float64).sum(1), 1, rtol=1e-6)


def test_empty():
    x = np.empty((0, 7), np.float32)
    kernels.softmax_rows(x, x)
    kernels.log_softmax_rows(x, x)
    x = np.empty((7, 0), np.float32)
    kernels.softmax_rows(x, x)
    kernels.softmax_columns(x, x, 0, 0)
    x = np.empty((0, 7), np.float32)
    kernels.softmax_columns(x, x, 0, 7)
