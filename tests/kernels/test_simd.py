"""The vectorised maths over the range of float32, against float64, with the stated bounds."""

import functools

import numpy as np
import pytest
from activations import PARAMETERS, REFERENCE
from float_sweeps import assert_same_class, float_sweep, ulp_error

from engine import _testing

kernels = _testing.elementwise
pytestmark = pytest.mark.usefixtures("tier")

# Units in the last place of the result.
ULP = {
    "exp": 1.1, "log": 1, "sin": 2, "cos": 2, "tanh": 3, "erf": 1.5, "sigmoid": 3, "softplus": 2,
    "elu": 2, "selu": 2.5, "celu": 2.5, "rsqrt": 1.5, "softsign": 1.5, "cube": 1.5,
}  # fmt: skip
# Units in the last place of max(|result|, |x| / 2): where the result is a small part of x.
RELATIVE_TO_INPUT = {"gelu_erf": 2, "gelu_tanh": 3, "silu": 3, "mish": 3}
ROUNDED_ONCE = ["sqrt", "reciprocal", "square", "abs", "neg", "ceil", "floor", "round", "trunc", "sign", "relu"]


@functools.cache
def sweep():
    return float_sweep()


@functools.cache
def reference(op):
    a, b = (float(np.float32(v)) for v in PARAMETERS.get(op, (0, 0)))
    with np.errstate(all="ignore"):
        return REFERENCE[op](sweep().astype(np.float64), a, b)


def run(op):
    y = np.empty_like(sweep())
    kernels.unary("f32", op, sweep(), y, *PARAMETERS.get(op, (0, 0)))
    return y


@pytest.mark.parametrize("op", ULP)
def test_error_in_ulp(op):
    y, want = run(op), reference(op)
    assert_same_class(y, want)
    error = ulp_error(y, want)
    worst = error.argmax()
    assert error[worst] <= ULP[op], f"{op}({sweep()[worst]!r}) = {y[worst]!r}, want {want[worst]!r}"


@pytest.mark.parametrize("op", RELATIVE_TO_INPUT)
def test_error_relative_to_input(op):
    y, want = run(op), reference(op)
    assert_same_class(y, want)
    finite = np.isfinite(y)
    scale = np.maximum(np.abs(want[finite]), np.abs(sweep()[finite].astype(np.float64)) / 2)
    error = np.abs(y[finite] - want[finite]) / np.spacing(scale.clip(max=1e38).astype(np.float32))
    assert error.max() <= RELATIVE_TO_INPUT[op], sweep()[finite][error.argmax()]


@pytest.mark.parametrize("op", ROUNDED_ONCE)
def test_correctly_rounded(op):
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(run(op), reference(op).astype(np.float32))


@pytest.mark.parametrize("op", ["sin", "tanh", "erf", "sqrt", "ceil", "floor", "round", "trunc"])
def test_negative_zero_is_kept(op):
    x = np.full(37, -0.0, np.float32)
    y = np.empty_like(x)
    kernels.unary("f32", op, x, y)
    assert np.all(y == 0)
    assert np.all(np.signbit(y))
