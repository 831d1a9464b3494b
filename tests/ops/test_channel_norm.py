"""Instance, group and batch normalisation against NumPy."""

import ml_dtypes
import numpy as np
import pytest
from harness import assert_same, run_node

import engine

DTYPES = [(np.float32, 3e-5), (np.float64, 1e-12), (np.float16, 2e-2), (ml_dtypes.bfloat16, 1e-1)]


def data(*shape, dtype=np.float32, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) * 2 + 0.5).astype(dtype)


def group_norm(x, scale, bias, groups, epsilon=1e-5):
    wide = x.astype(np.float64).reshape(x.shape[0], groups, -1)
    mean, var = wide.mean(axis=2, keepdims=True), wide.var(axis=2, keepdims=True)
    y = ((wide - mean) / np.sqrt(var + np.float64(np.float32(epsilon)))).reshape(x.shape)
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    return y * scale.astype(np.float64).reshape(per_channel) + bias.astype(np.float64).reshape(per_channel)


def close(got, want, tolerance):
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("shape", [(2, 3, 33), (2, 4, 5, 7), (1, 2, 3, 4, 5), (3, 4, 1)], ids=str)
def test_instance_norm(dtype, tolerance, shape):
    x, scale, bias = data(*shape, dtype=dtype), data(shape[1], dtype=dtype, seed=1), data(shape[1], dtype=dtype, seed=2)
    for opset in (11, 22):
        (got,) = run_node("InstanceNormalization", [x, scale, bias], opset=opset)
        assert got.dtype == dtype
        close(got, group_norm(x, scale, bias, shape[1]), tolerance)


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm(dtype, tolerance, groups):
    x = data(2, 6, 5, 7, dtype=dtype)
    scale, bias = data(6, dtype=dtype, seed=1), data(6, dtype=dtype, seed=2)
    (got,) = run_node("GroupNormalization", [x, scale, bias], {"num_groups": groups}, opset=21)
    close(got, group_norm(x, scale, bias, groups), tolerance)
    scale, bias = scale[:groups], bias[:groups]
    (old,) = run_node("GroupNormalization", [x, scale, bias], {"num_groups": groups}, opset=18)
    close(old, group_norm(x, scale.repeat(6 // groups), bias.repeat(6 // groups), groups), tolerance)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_large_groups_with_any_number_of_threads(groups):
    x, scale, bias = data(2, 4, 300, 200) + 50, data(4, seed=1), data(4, seed=2)
    one, two = (
        run_node("GroupNormalization", [x, scale, bias], {"num_groups": groups}, opset=21, threads=t)[0] for t in (1, 2)
    )
    assert_same(one, two)
    close(one, group_norm(x, scale, bias, groups), 1e-4)


def test_groups_that_do_not_divide():
    x, s = data(1, 6, 4), data(6)
    for groups in (0, -1, 4):
        with pytest.raises(engine.InvalidModel):
            run_node("GroupNormalization", [x, s, s], {"num_groups": groups}, dynamic=False)
    with pytest.raises(engine.InvalidModel):
        run_node("InstanceNormalization", [x, data(5), data(6)], dynamic=False)


def batch_norm(x, scale, bias, mean, var, epsilon):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scale, bias, mean, var = (np.asarray(v, np.float64).reshape(shape) for v in (scale, bias, mean, var))
    return (x.astype(np.float64) - mean) / np.sqrt(var + np.float64(np.float32(epsilon))) * scale + bias


@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 33), (2, 4, 5, 7), (1, 2, 130, 140)], ids=str)
@pytest.mark.parametrize("opset", [9, 15])
def test_batch_norm(dtype, tolerance, shape, opset):
    x = data(*shape, dtype=dtype)
    scale, bias, mean, var = (data(shape[1], dtype=dtype, seed=s) for s in range(1, 5))
    var = np.abs(var)
    inputs = [x, scale, bias, mean, var]
    (got,) = run_node("BatchNormalization", inputs, {"epsilon": 1e-3}, opset=opset)
    (fixed,) = run_node("BatchNormalization", inputs, {"epsilon": 1e-3}, opset=opset, constants=(1, 2, 3, 4))
    for y in (got, fixed):
        close(y, batch_norm(x, scale, bias, mean, var, 1e-3), tolerance)


@pytest.mark.parametrize("dtype, tolerance", DTYPES[:2])
def test_batch_norm_in_training_mode(dtype, tolerance):
    x = data(3, 4, 5, 6, dtype=dtype)
    scale, bias, mean, var = (np.abs(data(4, dtype=dtype, seed=s)) for s in range(1, 5))
    attrs = {"training_mode": 1, "momentum": 0.75}
    y, new_mean, new_var = run_node("BatchNormalization", [x, scale, bias, mean, var], attrs, opset=15, n_outputs=3)
    own_mean, own_var = x.astype(np.float64).mean(axis=(0, 2, 3)), x.astype(np.float64).var(axis=(0, 2, 3))
    close(y, batch_norm(x, scale, bias, own_mean, own_var, 1e-5), tolerance)
    close(new_mean, mean * 0.75 + own_mean * 0.25, tolerance)
    close(new_var, var * 0.75 + own_var * 0.25, tolerance)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 3, 0)], ids=str)
def test_nothing(shape):
    v = np.ones(3, np.float32)
    assert run_node("BatchNormalization", [np.zeros(shape, np.float32), v, v, v, v])[0].shape == shape
    assert run_node("InstanceNormalization", [np.zeros(shape, np.float32), v, v])[0].shape == shape
