"""Reductions against float64 and numpy: lengths around vectors and blocks, special values, order of additions."""

import itertools

import numpy as np
import pytest

from engine import _testing

kernels = _testing.reduce
pytestmark = pytest.mark.usefixtures("tier")

REFERENCE = {
    "sum": lambda x, axis: x.sum(axis),
    "max": lambda x, axis: x.max(axis, initial=-np.inf),
    "min": lambda x, axis: x.min(axis, initial=np.inf),
    "prod": lambda x, axis: x.prod(axis),
    "sum_abs": lambda x, axis: np.abs(x).sum(axis),
    "sum_square": lambda x, axis: (x * x).sum(axis),
}
LENGTHS = [*range(70), 127, 128, 129, 1000, kernels.block - 1, kernels.block, kernels.block + 1, 3 * kernels.block + 5]


def normal(*shape):
    return np.random.default_rng([*shape]).standard_normal(shape).astype(np.float32)


def check(op, got, x, axis):
    x = x.astype(np.float64)
    want = REFERENCE[op](x, axis)
    if op in ("max", "min"):
        np.testing.assert_array_equal(got, want)
    elif op == "prod":
        np.testing.assert_allclose(got, want, rtol=1e-6 * max(1, x.shape[axis] ** 0.5), atol=1e-38)
    else:
        magnitude = (x * x).sum(axis) if op == "sum_square" else np.abs(x).sum(axis)
        assert np.all(np.abs(got - want) <= 1e-6 * magnitude)


def test_list_is_covered():
    assert set(kernels.ops()) == set(REFERENCE)


@pytest.mark.parametrize("op", REFERENCE)
def test_rows(op):
    for n in LENGTHS:
        x = normal(3, n)
        check(op, kernels.rows(op, x), x, 1)
    assert kernels.rows(op, np.empty((0, 5), np.float32)).shape == (0,)


@pytest.mark.parametrize("op", REFERENCE)
@pytest.mark.parametrize("n", [0, 1, 2, 63, 64, 65, 128, 1000])
def test_columns(op, n):
    for count in [*range(1, 70, 3), 128, 200]:
        x = normal(n, count)
        check(op, kernels.columns(op, x, 0, count), x, 0)


@pytest.mark.parametrize("op", REFERENCE)
def test_cut_columns_give_the_same_bits(op):
    x = normal(300, 203)
    whole = kernels.columns(op, x, 0, 203)
    cuts = [0, 1, 20, 84, 85, 150, 203]
    parts = [kernels.columns(op, x, a, b) for a, b in itertools.pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("op", REFERENCE)
@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 8, 13])
def test_blocks_of_a_row_combine_to_the_same_bits(op, blocks):
    n = (blocks - 1) * kernels.block + 777
    x = normal(1, n)
    partial = [kernels.rows(op, x[:, i : i + kernels.block])[0] for i in range(0, n, kernels.block)]
    assert kernels.combine(op, np.array(partial)) == kernels.rows(op, x)[0]


def test_a_long_sum_is_accurate():
    x = np.full((1, 10_000_001), 0.1, np.float32)
    want = float(np.float32(0.1)) * x.size
    assert abs(kernels.rows("sum", x)[0] - want) <= 4e-7 * want
    column = np.full((1_000_001, 1), 0.1, np.float32)
    want = float(np.float32(0.1)) * column.size
    assert abs(kernels.columns("sum", column, 0, 1)[0] - want) <= 4e-6 * want


@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("n", [1, 5, 17, 64, 200])
def test_a_nan_anywhere_wins(op, n):
    for at in range(n):
        x = normal(1, n)
        x[0, at] = np.nan
        assert np.isnan(kernels.rows(op, x)[0])
        assert np.isnan(kernels.columns(op, np.ascontiguousarray(x.T), 0, 1)[0])


def test_infinities():
    x = np.array([[np.inf, 1, 2], [-np.inf, 1, 2], [np.inf, -np.inf, 0]], np.float32)
    np.testing.assert_array_equal(kernels.rows("sum", x), [np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(kernels.rows("max", x), [np.inf, 2, np.inf])
    np.testing.assert_array_equal(kernels.rows("min", x), [1, -np.inf, -np.inf])


def test_sum_exp():
    for n in [1, 3, 16, 33, 500]:
        x = normal(7, n) * 10
        shift = x.max(1)
        want = np.exp(x.astype(np.float64) - shift[:, None]).sum(1)
        np.testing.assert_allclose(kernels.sum_exp_rows(x, shift), want, rtol=1e-6)
        np.testing.assert_allclose(kernels.sum_exp_columns(np.ascontiguousarray(x.T), shift), want, rtol=1e-6)


def arg_reference(maximum, x, last):
    find = np.argmax if maximum else np.argmin
    return x.shape[1] - 1 - find(x[:, ::-1], 1) if last else find(x, 1)


@pytest.mark.parametrize("maximum", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_arg(maximum, last):
    for n in [*range(1, 70), 255, 5000]:
        r = np.random.default_rng(n)
        x = r.integers(-3, 4, (19, n)).astype(np.float32)
        x[3:9][r.random((6, n)) < 0.1] = np.nan
        x[9] = np.nan
        x[10] = -np.inf
        x[11] = np.inf
        want = arg_reference(maximum, x, last)
        np.testing.assert_array_equal(kernels.arg_rows(maximum, x, last), want)
        np.testing.assert_array_equal(kernels.arg_columns(maximum, np.ascontiguousarray(x.T), last), want)
        for row, index in zip(x, want, strict=True):
            assert kernels.plain_arg(maximum, row, last) == index


@pytest.mark.parametrize("op", REFERENCE)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int32", "int64"])
def test_plain(op, dtype):
    numpy_op = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}
    for n in [1, 2, 17, 100]:
        x = np.random.default_rng(n).integers(0 if dtype == "uint8" else -9, 100, (5, n)).astype(dtype)
        source = {"sum_abs": np.abs(x), "sum_square": x * x}.get(op, x)
        with np.errstate(over="ignore"):
            want = numpy_op.get(op, np.add).reduce(source, 1, dtype=dtype)
        rows, columns = kernels.plain_rows(op, x), kernels.plain_columns(op, np.ascontiguousarray(x.T))
        np.testing.assert_allclose(rows, want, rtol=1e-5 if dtype == "float32" else 1e-13 if dtype == "float64" else 0)
        np.testing.assert_array_equal(rows, columns)
