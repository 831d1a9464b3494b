"""Attention in float16 and bfloat16: each step is rounded to the type, as the operator's definition has it."""

import ml_dtypes
import numpy as np
import pytest
from harness import run_node

HALVES = [np.float16, ml_dtypes.bfloat16]


def half(x, dtype):
    """float32 values rounded to dtype."""
    return x.astype(dtype).astype(np.float32)


def softmax(x, dtype):
    top = x.max(-1, keepdims=True)
    e = half(np.exp(half(x - np.where(np.isneginf(top), 0, top), dtype)), dtype)
    total = e.astype(dtype).sum(-1, keepdims=True).astype(np.float32)
    return half(e / np.where(total == 0, 1, total), dtype)


def twin(q, k, v, mask=None, scale=None, softcap=0.0, causal=False, offset=0, precision=None):
    """Y and the scores of the four output modes."""
    dtype = q.dtype.type
    groups = q.shape[1] // k.shape[1]
    factor = np.float32(dtype(np.sqrt(np.float32(q.shape[-1] ** -0.5 if scale is None else scale))))
    q, k, v = (x.astype(np.float32) for x in (q, k, v))
    q, k = half(q * factor, dtype), half(k * factor, dtype)
    k, v = k.repeat(groups, 1), v.repeat(groups, 1)
    scores = capped = half(q @ k.swapaxes(-1, -2), dtype)
    if softcap:
        limit = np.float32(dtype(softcap))
        capped = half(half(np.tanh(half(scores / limit, dtype)), dtype) * limit, dtype)
    masked = capped
    if mask is not None:
        bias = np.where(mask, 0, -np.inf).astype(np.float32) if mask.dtype == bool else mask.astype(np.float32)
        masked = half(masked + bias, dtype)
    if causal:
        rows, keys = scores.shape[-2:]
        masked = np.where(np.arange(keys) <= np.arange(rows)[:, None] + offset, masked, -np.inf).astype(np.float32)
    if precision is np.float32:
        e = np.exp(masked - masked.max(-1, keepdims=True))
        p = half(e / e.sum(-1, keepdims=True), dtype)
    else:
        p = softmax(masked, dtype)
    return (p @ v).astype(dtype), [x.astype(dtype) for x in (scores, capped, masked, p)]


def operands(shapes, dtype, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype(dtype) for s in shapes]


def assert_rounded_alike(got, want):
    """Within two units in the last place of the largest value, and nearly everywhere the same bits."""
    assert got.dtype == want.dtype
    a, b = got.astype(np.float32), want.astype(np.float32)
    ulp = 2.0 ** (-10 if got.dtype == np.float16 else -7)
    np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b))
    finite = np.isfinite(b)
    np.testing.assert_allclose(a[finite], b[finite], rtol=2 * ulp, atol=2 * ulp)
    assert np.mean(got.view(np.uint16) == want.view(np.uint16)) > 0.95


FORMS = {
    "plain": ({}, {}),
    "causal": ({"is_causal": 1}, {"causal": True}),
    "scale": ({"scale": 0.3}, {"scale": 0.3}),
    "softcap": ({"softcap": 2.3}, {"softcap": 2.3}),
    "precision": ({"softmax_precision": 1}, {"precision": np.float32}),
}


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimize", ["off", "cheap", "all"])
@pytest.mark.parametrize("sizes", [(2, 3, 3, 4, 6, 8, 8), (1, 6, 2, 33, 7, 20, 24), (2, 2, 1, 1, 8, 5, 3)], ids=str)
def test_steps(dtype, form, optimize, sizes):
    batch, heads, kv_heads, rows, keys, depth, value_depth = sizes
    q, k, v = operands(
        [(batch, heads, rows, depth), (batch, kv_heads, keys, depth), (batch, kv_heads, keys, value_depth)], dtype
    )
    attrs, options = FORMS[form]
    y, shown = twin(q, k, v, **options)
    for mode in range(4):
        got = run_node(
            "Attention", [q, k, v], {**attrs, "qk_matmul_output_mode": mode}, opset=24, n_outputs=4, optimize=optimize
        )
        assert_rounded_alike(got[0], y)
        assert_rounded_alike(got[3], shown[mode])


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("kind", ["float", "bool", "row"])
def test_masks(dtype, kind):
    q, k, v, float_mask = operands([(2, 3, 4, 8), (2, 3, 6, 8), (2, 3, 6, 8), (2, 1, 4, 6)], dtype)
    rng = np.random.default_rng(5)
    bool_mask = rng.random((4, 6)) < 0.7
    bool_mask[:, 0] = True
    mask = {"float": float_mask, "bool": bool_mask, "row": float_mask[0, 0, 0]}[kind]
    y, shown = twin(q, k, v, mask)
    got = run_node("Attention", [q, k, v, mask], {"qk_matmul_output_mode": 2}, opset=24, n_outputs=4)
    assert_rounded_alike(got[0], y)
    assert_rounded_alike(got[3], shown[2])


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_keys_are_kept_unscaled(dtype, outputs):
    q, k, v, pk, pv = operands([(2, 4, 3, 8), (2, 2, 3, 8), (2, 2, 3, 6), (2, 2, 4, 8), (2, 2, 4, 6)], dtype)
    whole_k, whole_v = np.concatenate([pk, k], 2), np.concatenate([pv, v], 2)
    got = run_node("Attention", [q, k, v, None, pk, pv], {"is_causal": 1}, opset=24, n_outputs=outputs)
    assert_rounded_alike(got[0], twin(q, whole_k, whole_v, causal=True, offset=4)[0])
    if outputs == 3:
        assert got[1].tobytes() == whole_k.tobytes()
        assert got[2].tobytes() == whole_v.tobytes()


@pytest.mark.parametrize("dtype", HALVES)
def test_rows_without_keys_and_not_finite_scores(dtype):
    q, k, v = operands([(1, 1, 4, 8), (1, 1, 5, 8), (1, 1, 5, 8)], dtype)
    mask = np.ones((4, 5), bool)
    mask[1] = False
    q[0, 0, 2, 3] = np.nan
    [y] = run_node("Attention", [q, k, v, mask], opset=24)
    assert y[0, 0, 1].tobytes() == bytes(16)
    assert np.isnan(y[0, 0, 2].astype(np.float32)).all()
    assert np.isfinite(y[0, 0, [0, 3]].astype(np.float32)).all()


@pytest.mark.parametrize("dtype", HALVES)
def test_long_rows_with_any_number_of_threads(dtype):
    q, k, v = operands([(1, 2, 150, 32), (1, 2, 700, 32), (1, 2, 700, 16)], dtype)
    one, two = (run_node("Attention", [q, k, v], {"is_causal": 1}, opset=24, threads=t)[0] for t in (1, 2))
    assert one.tobytes() == two.tobytes()
    scores = q.astype(np.float64) @ k.astype(np.float64).swapaxes(-1, -2) * 32**-0.5
    scores[..., np.arange(700) > np.arange(150)[:, None]] = -np.inf
    e = np.exp(scores - scores.max(-1, keepdims=True))
    want = e / e.sum(-1, keepdims=True) @ v.astype(np.float64)
    np.testing.assert_allclose(one.astype(np.float64), want, atol=3e-2 if dtype != np.float16 else 4e-3)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("shape", [(0, 2, 3, 8), (2, 2, 0, 8)], ids=str)
def test_nothing(dtype, shape):
    kv = np.zeros((shape[0], 2, 4, 8), dtype)
    assert run_node("Attention", [np.zeros(shape, dtype), kv, kv], opset=24)[0].shape == shape
