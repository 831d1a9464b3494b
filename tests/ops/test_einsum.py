"""Einsum and Det against numpy."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_all_ways, run_node
from movement import draw, draw_numbers

EQUATIONS = [
    ("ij,jk->ik", [(5, 7), (7, 4)]),
    ("ij,jk", [(5, 7), (7, 4)]),
    ("bij,bjk->bik", [(3, 5, 7), (3, 7, 4)]),
    ("bqhd,bkhd->bhqk", [(2, 9, 3, 8), (2, 11, 3, 8)]),
    ("bhqk,bkhd->bqhd", [(2, 3, 9, 11), (2, 11, 3, 8)]),
    ("ij->ji", [(4, 6)]),
    ("ij->", [(4, 6)]),
    ("ij->j", [(4, 6)]),
    ("ii->i", [(5, 5)]),
    ("ii", [(5, 5)]),
    ("iij->ji", [(3, 3, 4)]),
    ("i,j->ij", [(4,), (5,)]),
    ("i,i", [(9,), (9,)]),
    ("i,i->i", [(9,), (9,)]),
    ("ij,ij->ij", [(4, 5), (4, 5)]),
    ("...ij,...jk->...ik", [(2, 3, 4, 5), (2, 3, 5, 6)]),
    ("...ij,...jk->...ik", [(2, 1, 4, 5), (3, 5, 6)]),
    ("...ii->...i", [(3, 4, 4)]),
    ("a...b->b...a", [(2, 3, 4, 5)]),
    ("ij,jk,kl->il", [(3, 4), (4, 5), (5, 6)]),
    ("abc,cd,def->fba", [(2, 3, 4), (4, 5), (5, 6, 7)]),
    ("ijk,ilm,njm,nlk,abc->", [(2, 3, 4), (2, 5, 3), (4, 3, 3), (4, 5, 4), (2, 2, 2)]),
    (" i j , j k -> k i ", [(5, 7), (7, 4)]),
    ("aB,Bc->Bca", [(2, 3), (3, 4)]),
    ("ij,k->j", [(3, 4), (5,)]),
    ("bn,anm,bm->ba", [(2, 5), (3, 5, 6), (2, 6)]),
    ("ij,jk->ik", [(70, 130), (130, 90)]),
    ("bik,bjk->bij", [(2, 0, 7), (2, 5, 7)]),
    ("ik,kj->ij", [(20, 0), (0, 30)]),
]


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_einsum(equation, shapes, dtype):
    xs = [draw_numbers(s, dtype, seed=i, low=-4, high=5) for i, s in enumerate(shapes)]
    want = np.einsum(equation.replace(" ", ""), *(x.astype(np.float64) for x in xs)).astype(dtype)
    assert_close(run_all_ways("Einsum", xs, {"equation": equation})[0], want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.int8, np.uint8, np.int32, np.uint16, np.uint64])
def test_dtypes(dtype):
    a, b = draw_numbers((4, 5), dtype, low=-3, high=4), draw_numbers((5, 6), dtype, low=-3, high=4)
    want = np.einsum("ij,jk->ki", a.astype(np.int64), b.astype(np.int64)).astype(dtype)
    assert_same(run_node("Einsum", [a, b], {"equation": "ij,jk->ki"})[0], want)


def test_same_bits_on_threads():
    a, b = draw((4, 60, 8, 64)), draw((4, 70, 8, 64))
    one = run_node("Einsum", [a, b], {"equation": "bqhd,bkhd->bhqk"}, threads=1)[0]
    assert_same(run_node("Einsum", [a, b], {"equation": "bqhd,bkhd->bhqk"}, threads=2)[0], one)


@pytest.mark.parametrize(
    "equation", ["ij,jk->iz", "ij", "ij,jk,kl->i", "ij,jk->ii", "i1,jk->i", "ij..,jk->ik", "ijk,jk->ik", "ij,kk->ik", "ij,jk->i...j...k", ""]
)
def test_refuses(equation):
    with pytest.raises(engine.EngineError):
        run_node("Einsum", [draw((3, 4)), draw((4, 5))], {"equation": equation})


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (5, 5), (4, 3, 3), (2, 3, 7, 7), (0, 3, 3), (100, 100), (0, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_det(shape, dtype):
    x = (draw(shape, np.float64) / 10 / max(1, shape[-1]) ** 0.5).astype(dtype)
    want = np.linalg.det(x.astype(np.float64)).astype(dtype)
    assert_close(run_all_ways("Det", [x])[0], want, rtol=1e-4, atol=1e-6)


def test_det_special():
    assert run_node("Det", [np.zeros((3, 3), np.float32)])[0] == 0
    assert run_node("Det", [np.array([[0, 1], [1, 0]], np.float32)])[0] == -1
    assert np.isnan(run_node("Det", [np.full((2, 2), np.nan, np.float32)])[0])
    for shape in ((2, 3), (3,)):
        with pytest.raises(engine.EngineError):
            run_node("Det", [draw(shape)])
