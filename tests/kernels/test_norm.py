"""Layer, RMS and group normalisation against float64."""

import itertools

import numpy as np
import pytest

from engine import _testing

kernels = _testing.norm
pytestmark = pytest.mark.usefixtures("tier")

LENGTHS = [*range(1, 70), 768, kernels.block - 1, kernels.block, kernels.block + 1, 3 * kernels.block + 11]
EPSILON = 1e-5


def values(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def layer_norm(x):
    mean, var = x.mean(1), x.var(1)
    inv_std = 1 / np.sqrt(var + EPSILON)
    return (x - mean[:, None]) * inv_std[:, None], mean, inv_std


def rms_norm(x):
    inv = 1 / np.sqrt((x * x).mean(1) + EPSILON)
    return x * inv[:, None], None, inv


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=2e-6, atol=3e-6)


@pytest.mark.parametrize(("name", "reference"), [("layer_norm", layer_norm), ("rms_norm", rms_norm)])
def test_rows(name, reference):
    run = getattr(kernels, name)
    for n in LENGTHS:
        x = values(3, n) + 0.5
        y, mean, inv_std = np.empty_like(x), np.empty(3, np.float32), np.empty(3, np.float32)
        run(x, y, EPSILON, mean=mean, inv_std=inv_std)
        want, want_mean, want_inv = reference(x.astype(np.float64))
        # a row of few, equal elements amplifies the rounding of x
        close(y, want) if n > 1 else np.testing.assert_allclose(y, want, atol=1e-4, rtol=2e-6)
        np.testing.assert_allclose(inv_std, want_inv, rtol=1e-5)
        if want_mean is not None:
            close(mean, want_mean)


@pytest.mark.parametrize(("name", "reference"), [("layer_norm", layer_norm), ("rms_norm", rms_norm)])
@pytest.mark.parametrize("n", [7, 16, 50, 768])
def test_every_combination_of_arguments(name, reference, n):
    run = getattr(kernels, name)
    x, residual = values(4, n), values(4, n, seed=1)
    vectors = {k: values(n, seed=i) for i, k in enumerate(("scale", "bias", "residual_bias"), 2)}
    for chosen in itertools.product([False, True], repeat=5):
        with_scale, with_bias, with_residual, with_residual_bias, with_sum = chosen
        args = {}
        total = x.copy()
        if with_residual:
            args["residual"] = residual
            total = total + residual
            if with_residual_bias:
                args["residual_bias"] = vectors["residual_bias"]
                total = total + vectors["residual_bias"]
            if with_sum:
                args["sum"] = np.empty_like(x)
        want = reference(total.astype(np.float64))[0]
        if with_scale:
            args["scale"] = vectors["scale"]
            want = want * vectors["scale"]
        if with_bias and name == "layer_norm":
            args["bias"] = vectors["bias"]
            want = want + vectors["bias"]
        y = np.empty_like(x)
        run(x, y, EPSILON, **args)
        close(y, want)
        if "sum" in args:
            np.testing.assert_array_equal(args["sum"], total)
        in_place = x.copy()
        run(in_place, in_place, EPSILON, **args)
        np.testing.assert_array_equal(in_place, y)


@pytest.mark.parametrize("n", [64, 1000, 50_000])
def test_a_large_mean_costs_no_accuracy(n):
    x = (values(2, n) + 1000).astype(np.float32)
    y = np.empty_like(x)
    kernels.layer_norm(x, y, EPSILON)
    want = layer_norm(x.astype(np.float64))[0]
    # the mean itself is a float32: half a unit in its last place is 3e-5
    np.testing.assert_allclose(y, want, atol=1e-4, rtol=1e-4)
    _, inv_std = kernels.moments(x, EPSILON)
    np.testing.assert_allclose(inv_std, layer_norm(x.astype(np.float64))[2], rtol=1e-5)


def test_moments():
    for n in LENGTHS[1:]:
        x = values(4, n) * 3 - 1
        mean, inv_std = kernels.moments(x, EPSILON)
        _, want_mean, want_inv = layer_norm(x.astype(np.float64))
        close(mean, want_mean)
        np.testing.assert_allclose(inv_std, want_inv, rtol=1e-5)


@pytest.mark.parametrize("last", [False, True])
def test_scale_shift(last):
    run = kernels.scale_shift_last if last else kernels.scale_shift
    for shape in [(0, 5), (5, 0), (1, 1), (3, 17), (17, 3), (8, 64), (33, 100)]:
        channels = shape[1] if last else shape[0]
        x = values(*shape)
        vectors = {k: values(channels, seed=i) for i, k in enumerate(("mean", "scale", "shift"))}
        for chosen in itertools.product([False, True], repeat=3):
            args = {k: v for (k, v), use in zip(vectors.items(), chosen, strict=True) if use}
            y = np.empty_like(x)
            run(x, y, **args)
            wide = {k: v if last else v[:, None] for k, v in args.items()}
            want = (x.astype(np.float64) - wide.get("mean", 0)) * wide.get("scale", 1) + wide.get("shift", 0)
            np.testing.assert_allclose(y, want, rtol=3e-7, atol=1e-6)
            in_place = x.copy()
            run(in_place, in_place, **args)
            np.testing.assert_array_equal(in_place, y)


def test_special_values():
    x = np.zeros((4, 20), np.float32)
    x[1, 3] = np.nan
    x[2, 7] = np.inf
    x[3] = 5
    y = np.empty_like(x)
    kernels.layer_norm(x, y, EPSILON)
    np.testing.assert_array_equal(y[0], 0)
    assert np.isnan(y[1]).all()
    assert np.isnan(y[2]).all()
    np.testing.assert_array_equal(y[3], 0)


def test_empty():
    x = np.empty((0, 8), np.float32)
    kernels.layer_norm(x, x, EPSILON)
    kernels.rms_norm(x, x, EPSILON)
