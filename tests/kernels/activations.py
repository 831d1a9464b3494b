"""Float64 references of the unary kernels, written from their definitions in unary.inc."""

import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu_tanh(x):
    return x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


def clip(x, a, b):
    return np.minimum(np.maximum(x, a), b)


# name -> f(x, a, b)
REFERENCE = {
    "copy": lambda x, a, b: x,
    "abs": lambda x, a, b: np.abs(x),
    "neg": lambda x, a, b: -x,
    "sign": lambda x, a, b: np.sign(x),
    "ceil": lambda x, a, b: np.ceil(x),
    "floor": lambda x, a, b: np.floor(x),
    "round": lambda x, a, b: np.rint(x),
    "trunc": lambda x, a, b: np.trunc(x),
    "sqrt": lambda x, a, b: np.sqrt(x),
    "rsqrt": lambda x, a, b: 1 / np.sqrt(x),
    "reciprocal": lambda x, a, b: 1 / x,
    "square": lambda x, a, b: x * x,
    "cube": lambda x, a, b: x * x * x,
    "exp": lambda x, a, b: np.exp(x),
    "log": lambda x, a, b: np.log(x),
    "sin": lambda x, a, b: np.sin(x),
    "cos": lambda x, a, b: np.cos(x),
    "tan": lambda x, a, b: np.tan(x),
    "asin": lambda x, a, b: np.arcsin(x),
    "acos": lambda x, a, b: np.arccos(x),
    "atan": lambda x, a, b: np.arctan(x),
    "sinh": lambda x, a, b: np.sinh(x),
    "cosh": lambda x, a, b: np.cosh(x),
    "asinh": lambda x, a, b: np.arcsinh(x),
    "acosh": lambda x, a, b: np.arccosh(x),
    "atanh": lambda x, a, b: np.arctanh(x),
    "tanh": lambda x, a, b: np.tanh(x),
    "erf": lambda x, a, b: erf(x),
    "sigmoid": lambda x, a, b: sigmoid(x),
    "relu": lambda x, a, b: np.maximum(x, 0),
    "leaky_relu": lambda x, a, b: np.where(x < 0, a * x, x),
    "elu": lambda x, a, b: np.where(x < 0, a * np.expm1(x), x),
    "selu": lambda x, a, b: b * np.where(x <= 0, a * np.expm1(x), x),
    "celu": lambda x, a, b: np.maximum(0, x) + np.minimum(0, a * np.expm1(x / a)),
    "softplus": lambda x, a, b: softplus(x),
    "softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "hard_sigmoid": lambda x, a, b: clip(a * x + b, 0, 1),
    "hard_swish": lambda x, a, b: x * clip(x / 6 + 0.5, 0, 1),
    "clip": clip,
    "gelu_erf": lambda x, a, b: x * 0.5 * (1 + erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x, a, b: gelu_tanh(x),
    "silu": lambda x, a, b: x * sigmoid(a * x),
    "mish": lambda x, a, b: x * np.tanh(softplus(x)),
    "thresholded_relu": lambda x, a, b: np.where(x <= a, 0, x),
    "shrink": lambda x, a, b: np.where(x < -a, x + b, np.where(x > a, x - b, 0)),
    "affine": lambda x, a, b: a * x + b,
    "add_scalar": lambda x, a, b: x + a,
    "mul_scalar": lambda x, a, b: x * a,
}

# name -> (a, b) that the definition needs; others take none.
PARAMETERS = {
    "leaky_relu": (0.01, 0.0),
    "elu": (1.25, 0.0),
    "selu": (1.6732632, 1.0507010),
    "celu": (0.75, 0.0),
    "hard_sigmoid": (0.2, 0.5),
    "clip": (-1.5, 6.0),
    "silu": (1.0, 0.0),
    "thresholded_relu": (1.0, 0.0),
    "shrink": (0.5, 0.25),
    "affine": (1.7, -0.3),
    "add_scalar": (0.1, 0.0),
    "mul_scalar": (0.1, 0.0),
}
