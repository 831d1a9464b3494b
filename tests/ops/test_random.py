"""Operators that draw random numbers: distributions, seeds, independence of threads."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same
from harness import run_node as run_any_node
from onnx import TensorProto, helper


def run_node(*args, **kwargs):
    return run_any_node(*args, **kwargs, allow_random=True)


@pytest.mark.parametrize(
    ("op", "inputs", "attrs"),
    [("RandomNormal", [], {"shape": [2]}), ("RandomUniformLike", [np.zeros(2, np.float32)], {}), ("Bernoulli", [np.zeros(2, np.float32)], {})],
)
def test_drawing_is_refused_unless_allowed(op, inputs, attrs):
    with pytest.raises(engine.UnsupportedOperator, match=r"allow_random=True"):
        run_any_node(op, inputs, attrs, opset=22)


def test_training_dropout_is_refused_unless_allowed():
    with pytest.raises(engine.UnsupportedOperator, match=r"allow_random=True"):
        run_any_node("Dropout", [np.ones(3, np.float32), np.float32(0.5), np.array(True)], opset=22)

FLOATS = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]


def onnx_type(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("like", [False, True])
def test_normal(dtype, like):
    attrs = {"mean": 3.0, "scale": 2.0, "seed": 5.0, "dtype": onnx_type(dtype)}
    x = np.zeros((200, 500), np.int32)
    if like:
        y = run_node("RandomNormalLike", [x], attrs, opset=22)[0]
    else:
        y = run_node("RandomNormal", [], {**attrs, "shape": [200, 500]}, opset=22)[0]
    assert y.dtype == dtype
    assert y.shape == (200, 500)
    z = (y.astype(np.float64) - 3) / 2
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02
    assert abs((z**3).mean()) < 0.05
    assert abs((np.abs(z) < 1).mean() - 0.6827) < 0.01


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("version", [1, 22])
def test_uniform(dtype, version):
    attrs = {"low": -1.0, "high": 3.0, "seed": 1.0, "dtype": onnx_type(dtype)}
    y = run_node("RandomUniform", [], {**attrs, "shape": [50000]}, opset=max(version, 7))[0].astype(np.float64)
    assert y.min() >= -1
    assert y.max() <= 3
    assert np.abs(np.histogram(y, 8, (-1, 3))[0] / 50000 - 0.125).max() < 0.01
    like = run_node("RandomUniformLike", [np.zeros((3, 4), dtype)], {"low": -1.0, "high": 3.0}, opset=max(version, 7))[0]
    assert (like.shape, like.dtype) == ((3, 4), np.dtype(dtype))


def test_seeds():
    draw = lambda **attrs: run_node("RandomNormal", [], {"shape": [70000], **attrs}, opset=22)[0]  # noqa: E731
    assert_same(draw(seed=1.0), draw(seed=1.0))
    assert (draw(seed=1.0) != draw(seed=2.0)).mean() > 0.99
    assert (draw() != draw()).mean() > 0.99


def test_threads_do_not_matter():
    attrs = {"shape": [300000], "seed": 4.0}
    one, two = (run_node("RandomUniform", [], attrs, opset=22, threads=n)[0] for n in (1, 2))
    assert_same(one, two)


def test_each_run_differs_without_a_seed():
    from harness import one_node

    model = engine.load(one_node("RandomUniform", [], {"shape": [100]}, 22), allow_random=True)
    assert (model.run({})["y0"] != model.run({})["y0"]).mean() > 0.9


@pytest.mark.parametrize("target", [None, np.float32, np.int32, np.uint8, np.bool_, np.float16])
def test_bernoulli(target):
    p = np.repeat(np.array([0, 0.25, 0.75, 1], np.float32), 20000).reshape(4, -1)
    attrs = {"seed": 2.0} | ({"dtype": onnx_type(target)} if target else {})
    y = run_node("Bernoulli", [p], attrs, opset=22)[0]
    assert y.dtype == (target or np.float32)
    assert set(np.unique(y.astype(np.float32))) <= {0.0, 1.0}
    assert np.abs(y.astype(np.float64).mean(axis=1) - [0, 0.25, 0.75, 1]).max() < 0.02
    assert (y[0] == 0).all()
    assert (y[3] == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("target", [np.int32, np.int64])
def test_multinomial(dtype, target):
    p = np.array([[0.1, 0.2, 0.7, 0.0], [0.25, 0.25, 0.25, 0.25]])
    with np.errstate(divide="ignore"):
        x = np.log(p).astype(dtype) + dtype(5)
    y = run_node("Multinomial", [x], {"sample_size": 40000, "seed": 1.0, "dtype": onnx_type(target)}, opset=22)[0]
    assert y.dtype == target
    for row, want in zip(y, p, strict=True):
        assert np.abs(np.bincount(row, minlength=4) / 40000 - want).max() < 0.015


@pytest.mark.parametrize("row", [[np.nan, 0], [-np.inf, -np.inf], [np.inf, 0]])
def test_multinomial_without_probabilities(row):
    with pytest.raises(engine.InvalidInput, match="row 0"):
        run_node("Multinomial", [np.array([row], np.float32)], {"sample_size": 3}, opset=22)


@pytest.mark.parametrize("version", [7, 10, 12, 13, 22])
def test_dropout_of_inference(version):
    x = np.random.default_rng(1).standard_normal((3, 50)).astype(np.float32)
    y, mask = run_node("Dropout", [x], opset=version, n_outputs=2)
    assert_same(y, x)
    assert mask.dtype == (np.bool_ if version >= 10 else np.float32)
    assert mask.shape == x.shape
    assert (mask == 1).all()
    assert_same(run_node("Dropout", [x], opset=version)[0], x)
    if version >= 12:
        assert_same(run_node("Dropout", [x, np.float32(0.7), np.array(False)], opset=version)[0], x)
        assert_same(run_node("Dropout", [x, np.float32(0), np.array(True)], opset=version)[0], x)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("constants", [(), (1, 2)])
def test_dropout_of_training(dtype, constants):
    x = np.full((100, 200), 3, dtype)
    inputs = [x, np.asarray(0.25, np.float32), np.array(True)]
    y, mask = run_node("Dropout", inputs, {"seed": 7}, opset=22, n_outputs=2, constants=constants)
    assert abs(mask.mean() - 0.75) < 0.02
    assert_close(y, np.where(mask, 4.0, 0.0).astype(dtype), rtol=0, atol=0)


def test_dropout_ratio_out_of_range():
    for ratio in (1.0, -0.1, np.nan):
        with pytest.raises(engine.InvalidInput, match="ratio"):
            run_node("Dropout", [np.ones(3, np.float32), np.float32(ratio), np.array(True)], opset=22)


def test_types_that_are_not_drawn():
    with pytest.raises(engine.UnsupportedOperator, match="dtype"):
        run_node("RandomNormal", [], {"shape": [2], "dtype": TensorProto.INT32}, opset=22)
    with pytest.raises(engine.EngineError):
        run_node("RandomNormal", [], {"shape": [-2, 3]}, opset=22)
    with pytest.raises(engine.EngineError):
        run_node("RandomNormal", [], {"shape": [1 << 40, 1 << 40]}, opset=22)
