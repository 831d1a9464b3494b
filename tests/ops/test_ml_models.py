"""ai.onnx.ml: linear models and support vector machines."""

import engine
import numpy as np
import pytest
from harness import assert_close, run_node

ML = "ai.onnx.ml"
NUMBERS = [np.float32, np.float64, np.int32, np.int64]


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


TRANSFORM = {"NONE": lambda s: s, "LOGISTIC": sigmoid, "SOFTMAX": softmax}


def data(shape, dtype=np.float32, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * 2).astype(dtype)


@pytest.mark.parametrize("transform", TRANSFORM)
@pytest.mark.parametrize("targets", [1, 3, 17])
@pytest.mark.parametrize("dtype", NUMBERS)
def test_linear_regressor(transform, targets, dtype):
    x, w, b = data((9, 13), dtype), data((targets, 13), seed=1), data(targets, seed=2)
    attrs = dict(coefficients=w.ravel().tolist(), intercepts=b.tolist(), targets=targets, post_transform=transform)
    (got,) = run_node("LinearRegressor", [x], attrs, 1, ML)
    assert_close(got, TRANSFORM[transform](x.astype(np.float64) @ w.T + b).astype(np.float32), 1e-4, 1e-5)


@pytest.mark.parametrize("transform", TRANSFORM)
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("strings", [False, True])
def test_linear_classifier(transform, classes, strings):
    x, w, b = data((9, 4)), data((classes, 4), seed=1), data(classes, seed=2)
    labels = np.array(list("pqrst"), object)[:classes] if strings else np.arange(classes) * 10
    attrs = dict(coefficients=w.ravel().tolist(), intercepts=b.tolist(), post_transform=transform)
    attrs["classlabels_strings" if strings else "classlabels_ints"] = labels.tolist()
    label, score = run_node("LinearClassifier", [x], attrs, 1, ML, n_outputs=2)
    want = x.astype(np.float64) @ w.T + b
    assert label.tolist() == labels[want.argmax(1)].tolist()
    assert_close(score, TRANSFORM[transform](want).astype(np.float32), 1e-4, 1e-5)


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC"])
def test_linear_classifier_with_one_score_for_two_classes(transform):
    x, w = data((9, 4)), data(4, seed=1)
    attrs = dict(coefficients=w.tolist(), intercepts=[0.1], classlabels_ints=[5, 6], post_transform=transform)
    label, score = run_node("LinearClassifier", [x], attrs, 1, ML, n_outputs=2)
    s = x.astype(np.float64) @ w + 0.1
    want = np.stack([sigmoid(-s), sigmoid(s)] if transform == "LOGISTIC" else [1 - s, s], axis=1)
    assert label.tolist() == np.where(s > 0, 6, 5).tolist()
    assert_close(score, want.astype(np.float32), 1e-4, 1e-5)


def test_linear_models_refuse_lengths():
    x = np.zeros((2, 3), np.float32)
    for op, attrs in [
        ("LinearRegressor", dict(coefficients=[1.0, 2.0])),
        ("LinearRegressor", dict(coefficients=[1.0, 2.0, 3.0], targets=2)),
        ("LinearRegressor", dict(coefficients=[1.0, 2.0, 3.0], intercepts=[1.0, 2.0])),
        ("LinearRegressor", dict(coefficients=[1.0, 2.0, 3.0], targets=-1)),
    ]:
        with pytest.raises(engine.EngineError, match="for"):
            run_node(op, [x], attrs, 1, ML)


def kernel_values(kind, x, v, gamma, coef0, degree):
    dot = x.astype(np.float64) @ v.T.astype(np.float64)
    if kind == "LINEAR":
        return dot
    if kind == "RBF":
        return np.exp(-gamma * ((x[:, None].astype(np.float64) - v[None]) ** 2).sum(-1))
    return np.tanh(gamma * dot + coef0) if kind == "SIGMOID" else (gamma * dot + coef0) ** degree


@pytest.mark.parametrize("kind", ["LINEAR", "RBF", "SIGMOID", "POLY"])
@pytest.mark.parametrize("one_class", [0, 1])
def test_svm_regressor(kind, one_class):
    x, v, c = data((11, 5)), data((7, 5), seed=1), data(7, seed=2)
    attrs = dict(support_vectors=v.ravel().tolist(), coefficients=c.tolist(), n_supports=7, kernel_type=kind, kernel_params=[0.3, 0.2, 3.0], rho=[0.4], one_class=one_class)
    s = kernel_values(kind, x, v, 0.3, 0.2, 3) @ c.astype(np.float64) + 0.4
    (got,) = run_node("SVMRegressor", [x], attrs, 1, ML)
    want = np.where(s > 0, 1, -1) if one_class else s
    assert_close(got, want[:, None].astype(np.float32), 1e-4, 1e-5)


def test_svm_regressor_that_is_linear():
    x, c = data((11, 5)), data(5, seed=2)
    (got,) = run_node("SVMRegressor", [x], dict(coefficients=c.tolist(), rho=[0.4]), 1, ML)
    assert_close(got, (x.astype(np.float64) @ c + 0.4)[:, None].astype(np.float32), 1e-4, 1e-5)


def decisions(x, counts, v, c, rho, kind):
    k = kernel_values(kind, x, v, 0.3, 0.2, 3)
    begin = np.concatenate([[0], np.cumsum(counts)])
    votes, scores = np.zeros((len(x), len(counts))), []
    for i in range(len(counts)):
        for j in range(i + 1, len(counts)):
            of_i, of_j = slice(begin[i], begin[i + 1]), slice(begin[j], begin[j + 1])
            s = k[:, of_i] @ c[j - 1, of_i] + k[:, of_j] @ c[i, of_j] + rho[len(scores)]
            votes[np.arange(len(x)), np.where(s > 0, i, j)] += 1
            scores.append(s)
    return votes, np.stack(scores, axis=1)


@pytest.mark.parametrize("counts", [[3, 4], [2, 1, 3], [1, 2, 3, 4]])
@pytest.mark.parametrize("kind", ["LINEAR", "RBF", "SIGMOID", "POLY"])
@pytest.mark.parametrize("probabilities", [False, True])
def test_svm_classifier(counts, kind, probabilities):
    n, classes = sum(counts), len(counts)
    pairs = classes * (classes - 1) // 2
    x, v, c, rho = data((11, 5)), data((n, 5), seed=1), data((classes - 1, n), seed=2), data(pairs, seed=3)
    labels = np.arange(classes) * 3 + 1
    attrs = dict(
        support_vectors=v.ravel().tolist(), coefficients=c.ravel().tolist(), vectors_per_class=counts, kernel_type=kind,
        kernel_params=[0.3, 0.2, 3.0], rho=rho.tolist(), classlabels_ints=labels.tolist(),
    )  # fmt: skip
    a, b = -1 - np.abs(data(pairs, seed=4)), data(pairs, seed=5)
    if probabilities:
        attrs |= dict(prob_a=a.tolist(), prob_b=b.tolist())
    label, score = run_node("SVMClassifier", [x], attrs, 1, ML, n_outputs=2)
    votes, s = decisions(x, counts, v, c, rho, kind)
    assert label.tolist() == labels[votes.argmax(1)].tolist()
    if not probabilities:
        want = np.concatenate([-s, s], axis=1) if classes == 2 else s
        assert_close(score, want.astype(np.float32), 1e-4, 1e-4)
        return
    assert score.shape == (11, classes)
    np.testing.assert_allclose(score.sum(axis=1), 1, rtol=1e-4)
    if classes == 2:
        p = np.clip(1 / (1 + np.exp(s[:, 0] * a[0] + b[0])), 1e-7, 1 - 1e-7)
        np.testing.assert_allclose(score[:, 0], p, atol=0.01)


def test_svm_classifier_that_is_linear():
    x, c = data((11, 5)), data((3, 5), seed=2)
    attrs = dict(coefficients=c.ravel().tolist(), rho=[0.4], classlabels_strings=["a", "b", "c"])
    label, score = run_node("SVMClassifier", [x], attrs, 1, ML, n_outputs=2)
    want = x.astype(np.float64) @ c.T + 0.4
    assert_close(score, want.astype(np.float32), 1e-4, 1e-5)
    assert label.tolist() == [list("abc")[k] for k in want.argmax(1)]
