"""Transposition and strided copies against numpy: every element size, and every cut of the items."""

import itertools

import numpy as np
import pytest

from engine import _testing

kernels = _testing.transpose
pytestmark = pytest.mark.usefixtures("tier")

DTYPES = ["uint8", "uint16", "float32", "float64", "complex128"]


def distinct(shape, dtype):
    """Every element another value (modulo the type's range), every byte in use."""
    n = int(np.prod(shape))
    return np.random.default_rng(n).integers(0, 256, n * np.dtype(dtype).itemsize, np.uint8).view(dtype).reshape(shape)


def same_bytes(a, b):
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def check(x, perm, cuts=()):
    view = x.transpose(perm)
    y = np.zeros(view.shape, view.dtype)
    items = kernels.copy(view, y, list(cuts))
    same_bytes(y, view.copy(order="C"))
    return items


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrices(dtype):
    for rows, columns in itertools.product([1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33, 64, 65, 130, 200], repeat=2):
        check(distinct((rows, columns), dtype), (1, 0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [1, 2, 3, 4, 5])
def test_every_permutation(dtype, rank):
    for shape in [(3, 5, 2, 4, 7)[:rank], (9, 1, 17, 3, 2)[:rank], (2, 16, 1, 1, 33)[:rank]]:
        x = distinct(shape, dtype)
        for perm in itertools.permutations(range(rank)):
            check(x, perm)


def test_cuts_of_the_items_give_the_same_bytes():
    for shape, perm in [
        ((5, 150, 170), (0, 2, 1)),
        ((40, 30, 33), (1, 0, 2)),
        ((100_000,), (0,)),
        ((7, 6, 5, 4), (3, 1, 2, 0)),
    ]:
        x = distinct(shape, "float32")
        items = check(x, perm)
        r = np.random.default_rng(items)
        check(x, perm, range(items))
        check(x, perm, sorted(r.integers(0, items + 1, 5).tolist()))


def test_many_dimensions():
    x = distinct((2,) * 16, "uint8")
    check(x, tuple(reversed(range(16))))
    check(x, (*range(1, 16, 2), *range(0, 16, 2)))


def test_empty_and_scalar():
    for shape, perm in [((0,), (0,)), ((3, 0, 2), (2, 1, 0)), ((), ()), ((1, 1), (1, 0))]:
        check(distinct(shape, "float32"), perm)


def test_views():
    base = distinct((12, 20, 34), "float32")
    views = [
        base[::2],
        base[:, ::3, ::2],
        base[3:5, 2:, 1:33],
        base[::-1, :, ::-1],
        base[:, :, 5:9],
        base[:, :, 5:7].transpose(1, 0, 2),
        base[:, 7:8, :].transpose(2, 1, 0),
        np.broadcast_to(base[:, :1], (12, 20, 34)),
        np.broadcast_to(base[:, :, :1], (12, 20, 34)),
        np.broadcast_to(base[0, 0, 0], (3, 4)),
        base[5, ::-1].T,
    ]
    for view in views:
        y = np.zeros(view.shape, view.dtype)
        kernels.copy(view, y, [1, 3])
        same_bytes(y, view.copy(order="C"))


def test_destination_views():
    """Only the elements of the view are written."""
    x = distinct((6, 10, 8), "float32")
    for perm in itertools.permutations(range(3)):
        source = x.transpose(perm)
        for slices in [np.s_[:, :, :], np.s_[::2, 1:, :], np.s_[:, :, ::3], np.s_[1:4, ::-1, 2:6]]:
            want, got = np.zeros_like(source, order="C"), np.zeros_like(source, order="C")
            want[slices] = source[slices]
            kernels.copy(source[slices], got[slices], [2])
            same_bytes(got, want)
