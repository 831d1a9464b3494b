"""Operators of one input against numpy, in every dtype that they take."""

import math

import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node

BF16 = ml_dtypes.bfloat16
FLOATS = [np.float32, np.float64, np.float16, BF16]
SIGNED = [np.int8, np.int16, np.int32, np.int64]
UNSIGNED = [np.uint8, np.uint16, np.uint32, np.uint64]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e-30, -1e-30, 3.7, -3.7, 40.0, -40.0, np.inf, -np.inf, np.nan]

erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu_erf(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


# name, twin in float64, since versions, attributes
FLOAT_OPERATORS = [
    ("Ceil", np.ceil, [6, 13], {}),
    ("Floor", np.floor, [6, 13], {}),
    ("Round", np.rint, [11, 22], {}),
    ("Sqrt", np.sqrt, [6, 13], {}),
    ("Reciprocal", lambda x: 1 / x, [6, 13], {}),
    ("Exp", np.exp, [6, 13], {}),
    ("Log", np.log, [6, 13], {}),
    ("Erf", erf, [9, 13], {}),
    ("Sin", np.sin, [7, 22], {}),
    ("Cos", np.cos, [7, 22], {}),
    ("Tan", np.tan, [7, 22], {}),
    ("Asin", np.arcsin, [7, 22], {}),
    ("Acos", np.arccos, [7, 22], {}),
    ("Atan", np.arctan, [7, 22], {}),
    ("Sinh", np.sinh, [9, 22], {}),
    ("Cosh", np.cosh, [9, 22], {}),
    ("Tanh", np.tanh, [6, 13], {}),
    ("Asinh", np.arcsinh, [9, 22], {}),
    ("Acosh", np.arccosh, [9, 22], {}),
    ("Atanh", np.arctanh, [9, 22], {}),
    ("Sigmoid", sigmoid, [6, 13], {}),
    ("Softplus", softplus, [1, 22], {}),
    ("Softsign", lambda x: x / (1 + np.abs(x)), [1, 22], {}),
    ("HardSwish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1), [14, 22], {}),
    ("Mish", lambda x: x * np.tanh(softplus(x)), [18, 22], {}),
    ("Gelu", gelu_erf, [20], {}),
    ("Gelu", gelu_tanh, [20], {"approximate": "tanh"}),
    ("LeakyRelu", lambda x: np.where(x < 0, np.float32(0.01) * x, x), [6, 16], {}),
    ("LeakyRelu", lambda x: np.where(x < 0, 0.25 * x, x), [6, 16], {"alpha": 0.25}),
    ("Elu", lambda x: np.where(x < 0, np.expm1(x), x), [6, 22], {}),
    ("Elu", lambda x: np.where(x < 0, 2.5 * np.expm1(x), x), [6, 22], {"alpha": 2.5}),
    ("Selu", lambda x: 1.05070102214813 * np.where(x <= 0, 1.67326319217681 * np.expm1(x), x), [6, 22], {}),
    ("Selu", lambda x: 3.0 * np.where(x <= 0, 2.0 * np.expm1(x), x), [6, 22], {"alpha": 2.0, "gamma": 3.0}),
    ("Celu", lambda x: np.maximum(x, 0) + np.minimum(0, 2.0 * np.expm1(x / 2.0)), [12, 28], {"alpha": 2.0}),
    ("HardSigmoid", lambda x: np.clip(np.float32(0.2) * x + 0.5, 0, 1), [6, 22], {}),
    ("HardSigmoid", lambda x: np.clip(0.5 * x + 0.25, 0, 1), [6, 22], {"alpha": 0.5, "beta": 0.25}),
    ("ThresholdedRelu", lambda x: np.where(x > 1.5, x, np.where(np.isnan(x), x, 0)), [10, 22], {"alpha": 1.5}),
    ("Swish", lambda x: x * sigmoid(1.5 * x), [24], {"alpha": 1.5}),
    ("Shrink", lambda x: np.where(x < -1.5, x + 0.5, np.where(x > 1.5, x - 0.5, 0)), [9], {"lambd": 1.5, "bias": 0.5}),
]

TOLERANCE = {np.float32: 3e-6, np.float64: 1e-6, np.float16: 1e-3, BF16: 8e-3}


def cases():
    for name, twin, versions, attrs in FLOAT_OPERATORS:
        for version in versions:
            for dtype in FLOATS:
                yield pytest.param(name, twin, version, attrs, dtype, id=f"{name}-{version}-{np.dtype(dtype).name}-{len(attrs)}")


@pytest.mark.parametrize(("name", "twin", "version", "attrs", "dtype"), list(cases()))
def test_float_operator(name, twin, version, attrs, dtype):
    rng = np.random.default_rng(1)
    x = np.concatenate([SPECIAL, rng.standard_normal(600) * 2]).astype(dtype)
    with np.errstate(all="ignore"):
        want = twin(x.astype(np.float64)).astype(dtype)
    (got,) = run_node(name, [x.reshape(-1, 5)], attrs, opset=version)
    assert_close(got.reshape(-1), want, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * 1e-1)


NUMERIC_OPERATORS = [
    ("Abs", np.abs, [6, 13], FLOATS + SIGNED + UNSIGNED),
    ("Neg", np.negative, [6, 13], FLOATS + SIGNED),
    ("Sign", np.sign, [9, 13], FLOATS + SIGNED + UNSIGNED),
    ("Relu", lambda x: np.maximum(x, x.dtype.type(0)), [6, 13, 14], FLOATS + SIGNED),
]


@pytest.mark.parametrize(("name", "twin", "versions", "dtypes"), NUMERIC_OPERATORS, ids=[c[0] for c in NUMERIC_OPERATORS])
def test_numeric_operator(name, twin, versions, dtypes):
    for dtype in dtypes:
        if np.dtype(dtype).kind in "iu":
            info = np.iinfo(dtype)
            x = np.array([0, 1, 2, 77, info.max, info.max - 1, info.min, info.min + 1] * 9, dtype)
        else:
            x = np.array(SPECIAL * 5).astype(dtype)
        with np.errstate(all="ignore"):
            want = twin(x).astype(dtype)
        for version in versions:
            assert_close(run_node(name, [x], opset=version)[0], want, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", SIGNED + UNSIGNED)
def test_shrink_of_integers(dtype):
    x = np.arange(0 if np.dtype(dtype).kind == "u" else -6, 7).astype(dtype)
    wide = x.astype(np.float64)
    want = np.where(wide < -1.5, wide + 1.5, np.where(wide > 1.5, wide - 1.5, 0)).astype(dtype)
    assert_same(run_node("Shrink", [x], {"lambd": 1.5, "bias": 1.5}, opset=9)[0], want)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (1, 1, 1), (70001,)])
def test_shapes(shape):
    x = np.linspace(-3, 3, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    for dynamic in (False, True):
        assert_close(run_node("Tanh", [x], dynamic=dynamic)[0], np.tanh(x))


@pytest.mark.parametrize("dtype", FLOATS)
def test_microsoft_forms(dtype):
    x = np.random.default_rng(2).standard_normal((4, 33)).astype(dtype)
    b = np.random.default_rng(3).standard_normal(33).astype(dtype)
    wide, sums = x.astype(np.float64), x.astype(np.float64) + b.astype(np.float64)
    tolerance = {"rtol": TOLERANCE[dtype] * 2, "atol": TOLERANCE[dtype]}
    for name, inputs, want in [
        ("Gelu", [x], gelu_erf(wide)),
        ("FastGelu", [x], gelu_tanh(wide)),
        ("FastGelu", [x, b], gelu_tanh(sums)),
        ("BiasGelu", [x, b], gelu_erf(sums)),
        ("QuickGelu", [x], wide * sigmoid(np.float32(1.702) * wide)),
    ]:
        got = run_node(name, inputs, opset=1, domain="com.microsoft")[0]
        assert_close(got, want.astype(dtype), **tolerance)


@pytest.mark.parametrize("dtype", FLOATS)
def test_swiglu(dtype):
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((3, 700)).astype(dtype), rng.standard_normal((3, 700)).astype(dtype)
    wide = a.astype(np.float64)
    want = (wide * sigmoid(0.5 * wide) * b.astype(np.float64)).astype(dtype)
    got = run_node("SwiGLU", [a, b], {"alpha": 0.5}, opset=28)[0]
    assert_close(got, want, rtol=TOLERANCE[dtype] * 2, atol=TOLERANCE[dtype])


FLOAT8 = [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz]


@pytest.mark.parametrize("dtype", FLOATS + FLOAT8)
def test_nan_and_inf(dtype):
    if np.dtype(dtype).itemsize == 1:
        x = np.arange(256, dtype=np.uint8).view(dtype)
    else:
        x = np.array(SPECIAL * 50).astype(dtype)
    wide = x.astype(np.float64)
    assert_same(run_node("IsNaN", [x], opset=20)[0], np.isnan(wide))
    assert_same(run_node("IsInf", [x], opset=20)[0], np.isinf(wide))
    assert_same(run_node("IsInf", [x], {"detect_negative": 0}, opset=20)[0], np.isposinf(wide))
    assert_same(run_node("IsInf", [x], {"detect_positive": 0}, opset=20)[0], np.isneginf(wide))
    assert not run_node("IsInf", [x], {"detect_positive": 0, "detect_negative": 0}, opset=20)[0].any()


def test_huge_float64_is_not_infinite():
    x = np.array([1e300, -1e300, np.inf])
    assert run_node("IsInf", [x], opset=20)[0].tolist() == [False, False, True]
