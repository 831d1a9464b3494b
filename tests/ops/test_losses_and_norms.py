"""Losses over classes, LRN, LpNormalization, MeanVarianceNormalization against NumPy."""

import ml_dtypes
import numpy as np
import pytest
from harness import run_node

import engine

DTYPES = [(np.float32, 2e-5), (np.float64, 1e-9), (np.float16, 1e-2), (ml_dtypes.bfloat16, 8e-2)]


def data(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def close(got, want, tolerance):
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=tolerance, atol=tolerance)


def class_loss(scores, labels, weight, reduction, ignored):
    rows = np.moveaxis(scores.astype(np.float64), 1, -1).reshape(-1, scores.shape[1])
    flat = labels.reshape(-1)
    kept = np.ones(flat.shape, bool) if ignored is None else flat != ignored
    at = np.where(kept, flat, 0)
    w = np.where(kept, 1.0 if weight is None else weight.astype(np.float64)[at], 0)
    loss = -w * rows[np.arange(len(flat)), at]
    if reduction == "none":
        return loss.reshape(labels.shape)
    return loss.sum() / w.sum() if reduction == "mean" else loss.sum()


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("ignored", [None, 2, -100])
@pytest.mark.parametrize("shape", [(6, 5), (3, 4, 7), (2, 4, 3, 5)], ids=str)
def test_losses(dtype, tolerance, reduction, weighted, ignored, shape):
    scores, weight = data(*shape, dtype=dtype), np.abs(data(shape[1], dtype=dtype, seed=1))
    labels = np.random.default_rng(2).integers(0, shape[1], (shape[0], *shape[2:]))
    if ignored == -100:
        labels.flat[0] = -100
    attrs = {"reduction": reduction} | ({} if ignored is None else {"ignore_index": ignored})
    inputs = [scores, labels.astype(np.int32)] + ([weight] if weighted else [])
    weight = weight if weighted else None
    (got,) = run_node("NegativeLogLikelihoodLoss", inputs, attrs, opset=22)
    assert got.dtype == dtype
    tolerance *= 4 if reduction == "sum" else 1
    close(got, class_loss(scores, labels, weight, reduction, ignored), tolerance)
    wide = scores.astype(np.float64)
    logs = wide - wide.max(1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(1, keepdims=True))
    loss, log_prob = run_node("SoftmaxCrossEntropyLoss", inputs, attrs, n_outputs=2)
    close(log_prob, logs, tolerance)
    close(loss, class_loss(logs, labels, weight, reduction, ignored), tolerance)


@pytest.mark.parametrize("op", ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"])
def test_labels_that_are_no_class(op):
    for label in (-1, 3):
        with pytest.raises(engine.InvalidInput):
            run_node(op, [data(2, 3), np.array([0, label])])
    with pytest.raises(engine.InvalidModel):
        run_node(op, [data(2, 3), np.array([0, 1, 2])], dynamic=False)


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 20])
def test_lrn(dtype, tolerance, size):
    x = data(2, 7, 3, 200, dtype=dtype)
    attrs = {"alpha": 0.3, "beta": 0.6, "bias": 1.5, "size": size}
    alpha, beta, bias = (np.float64(np.float32(attrs[k])) for k in ("alpha", "beta", "bias"))
    wide = x.astype(np.float64)
    squares = np.zeros_like(wide)
    for c in range(7):
        low, high = max(0, c - (size - 1) // 2), min(7, c + (size - 1) - (size - 1) // 2 + 1)
        squares[:, c] = np.square(wide[:, low:high]).sum(1)
    close(run_node("LRN", [x], attrs)[0], wide / (bias + alpha / size * squares) ** beta, tolerance)


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("p", [1, 2])
def test_lp_normalization(dtype, tolerance, p):
    x = data(3, 4, 5, dtype=dtype)
    x[0, :, 1] = x[1, 2] = 0
    for axis in (0, 1, -1):
        norm = np.linalg.norm(x.astype(np.float64), p, axis=axis, keepdims=True)
        want = np.where(norm == 0, 0, x.astype(np.float64) / np.where(norm == 0, 1, norm))
        close(run_node("LpNormalization", [x], {"p": p, "axis": axis}, opset=22)[0], want, tolerance)
    with pytest.raises(engine.InvalidModel):
        run_node("LpNormalization", [x], {"p": 3}, opset=22)


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("axes", [None, [1], [0, 1, 2, 3], [-1, 1]], ids=str)
def test_mean_variance_normalization(dtype, tolerance, axes):
    x = data(3, 4, 5, 6, dtype=dtype)
    over = tuple(axes or (0, 2, 3))
    wide = x.astype(np.float64)
    want = (wide - wide.mean(over, keepdims=True)) / (wide.std(over, keepdims=True) + 1e-9)
    close(run_node("MeanVarianceNormalization", [x], {"axes": axes} if axes else {})[0], want, tolerance)
