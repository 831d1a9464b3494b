"""Layer and RMS normalisation, with and without residual, against NumPy."""

import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node

import engine

MS = {"domain": "com.microsoft", "opset": 1}


def layer_norm(x, scale, bias, axis, epsilon, center=True):
    x, epsilon = x.astype(np.float64), np.float64(np.float32(epsilon))
    axes = tuple(range(axis % x.ndim, x.ndim))
    mean = x.mean(axis=axes, keepdims=True) if center else np.zeros_like(x.mean(axis=axes, keepdims=True))
    inv_std = 1 / np.sqrt(np.square(x - mean).mean(axis=axes, keepdims=True) + epsilon)
    y = (x - mean) * inv_std * np.asarray(scale, np.float64)
    return (y if bias is None else y + np.asarray(bias, np.float64)), mean, inv_std


def data(*shape, dtype=np.float32, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) * 2 + 0.5).astype(dtype)


def close(got, want, tolerance):
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=tolerance, atol=tolerance)


DTYPES = [(np.float32, 2e-5), (np.float64, 1e-12), (np.float16, 2e-2), (ml_dtypes.bfloat16, 1e-1)]


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("shape", [(4, 33), (2, 3, 64), (2, 3, 4, 5), (3, 1)], ids=str)
def test_layer_norm(dtype, tolerance, shape):
    for axis in range(-len(shape), len(shape)):
        x, scale, bias = data(*shape, dtype=dtype), data(*shape[axis:], dtype=dtype), data(*shape[axis:], dtype=dtype, seed=2)
        attrs = {"axis": axis, "epsilon": 1e-3}
        y, mean, inv_std = run_node("LayerNormalization", [x, scale, bias], attrs, n_outputs=3)
        want = layer_norm(x, scale, bias, axis, 1e-3)
        assert y.dtype == dtype and mean.dtype == np.float32 and inv_std.dtype == np.float32
        for got, twin, t in zip((y, mean, inv_std), want, (tolerance, 1e-3, 1e-3), strict=True):
            close(got, twin, t)
        assert mean.shape == want[1].shape
        (plain,) = run_node("LayerNormalization", [x, scale], attrs)
        close(plain, layer_norm(x, scale, None, axis, 1e-3)[0], tolerance)


def test_operands_are_broadcast_to_a_row():
    x = data(2, 3, 4, 5)
    for shape in [(1,), (5,), (1, 5), (4, 1), (1, 1, 4, 5)]:
        scale, bias = data(*shape, seed=3), data(*shape, seed=4)
        (got,) = run_node("LayerNormalization", [x, scale, bias], {"axis": 2})
        close(got, layer_norm(x, scale, bias, 2, 1e-5)[0], 2e-5)
    with pytest.raises(engine.InvalidModel):
        run_node("LayerNormalization", [x, data(3, 1, 5)], {"axis": 2}, dynamic=False)
    with pytest.raises(engine.InvalidModel):
        run_node("LayerNormalization", [x, data(4)], dynamic=False)


@pytest.mark.parametrize("center", [True, False])
def test_long_rows_with_any_number_of_threads(center):
    x, scale = data(2, 3, 100_000) + 100, data(3, 100_000)
    op = "LayerNormalization" if center else "RMSNormalization"
    one, two = (run_node(op, [x, scale], {"axis": 1}, threads=t)[0] for t in (1, 2))
    assert_same(one, two)
    close(one, layer_norm(x, scale, None, 1, 1e-5, center)[0], 1e-4)


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
def test_rms_norm(dtype, tolerance):
    x, scale = data(3, 5, 40, dtype=dtype), data(40, dtype=dtype)
    want, _, inv_std = layer_norm(x, scale, None, -1, 1e-5, center=False)
    close(run_node("RMSNormalization", [x, scale])[0], want, tolerance)
    for domain in ("", "com.microsoft"):
        model = {"domain": domain, "opset": 17 if domain == "" else 1}
        y, inverse = run_node("SimplifiedLayerNormalization", [x, scale], {"axis": -1}, n_outputs=2, **model)
        close(y, want, tolerance)
        close(inverse, inv_std, 1e-3)


def test_rms_norm_takes_its_dtype_from_the_scale():
    x, scale = data(3, 40, dtype=np.float16), data(40)
    (got,) = run_node("RMSNormalization", [x, scale])
    assert_close(got, layer_norm(x, scale, None, -1, 1e-5, center=False)[0].astype(np.float32), rtol=1e-4)


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("skip_shape", [(3, 5, 40), (1, 5, 40), (5, 40)], ids=str)
def test_skip_norm(dtype, tolerance, center, skip_shape):
    x, skip = data(3, 5, 40, dtype=dtype), data(*skip_shape, dtype=dtype, seed=5)
    scale, beta, bias = (data(40, dtype=dtype, seed=s) for s in (6, 7, 8))
    op = "SkipLayerNormalization" if center else "SkipSimplifiedLayerNormalization"
    for with_bias in (False, True):
        inputs = [x, skip, scale] + ([beta] if center else []) + ([bias] if with_bias else [])
        y, _, _, total = run_node(op, inputs, {"epsilon": 1e-5}, n_outputs=4, **MS)
        want = x.astype(np.float64) + skip.astype(np.float64) + (bias.astype(np.float64) if with_bias else 0)
        close(total, want, tolerance)
        close(y, layer_norm(want, scale, beta if center else None, -1, 1e-5, center)[0], tolerance)


def test_large_means_cost_no_accuracy():
    x = data(4, 5000) + np.float32(10_000)
    (got,) = run_node("LayerNormalization", [x, np.ones(5000, np.float32)])
    close(got, layer_norm(x, 1, None, -1, 1e-5)[0], 2e-3)


def test_nan_stays_in_its_row():
    x = data(3, 20)
    x[1, 4] = np.nan
    (got,) = run_node("LayerNormalization", [x, np.ones(20, np.float32)])
    assert np.isnan(got[1]).all() and np.isfinite(got[[0, 2]]).all()


@pytest.mark.parametrize("shape", [(0, 4), (3, 0)], ids=str)
def test_nothing(shape):
    (got,) = run_node("LayerNormalization", [np.zeros(shape, np.float32), np.ones(shape[1], np.float32)])
    assert got.shape == shape
