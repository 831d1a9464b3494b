"""Small models of the shapes that exporters give: every level of optimisation against the onnx package's reference."""

import engine
import numpy as np
import onnx.parser
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

RNG = np.random.default_rng(7)


def floats(*shape):
    return (RNG.standard_normal(shape) / np.sqrt(max(shape[-1], 1))).astype(np.float32)


MODELS = {
    "perceptron": (
        """g (float[n, 20] x) => (float[n, 5] y) {
            a = MatMul(x, w1)  b = Add(a, b1)  c = Relu(b)
            d = Gemm <transB = 1> (c, w2, b2)  y = Softmax <axis = -1> (d)
        }""",
        {"w1": floats(20, 33), "b1": floats(33), "w2": floats(5, 33), "b2": floats(5)},
        {"x": floats(7, 20)},
    ),
    "residual convolutions": (
        """g (float[n, 8, h, w] x) => (y) {
            a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x, w1)
            b = BatchNormalization (a, scale, bias, mean, var)  c = Relu(b)
            d = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (c, w2, b2)
            e = Add(d, x)  f = Relu(e)  p = GlobalAveragePool(f)  y = Flatten(p)
        }""",
        {
            "w1": floats(8, 8, 3, 3), "w2": floats(8, 8, 3, 3), "b2": floats(8), "scale": floats(8) + 1, "bias": floats(8),
            "mean": floats(8), "var": floats(8) ** 2 + np.float32(0.5),
        },
        {"x": floats(2, 8, 9, 13)},
    ),
    "separable convolution with hard swish": (
        """g (float[1, 6, 12, 12] x) => (y) {
            a = Conv <kernel_shape = [3, 3], group = 6, strides = [2, 2], pads = [1, 1, 1, 1]> (x, w1, b1)
            b = Add(a, three)  c = Clip(b, zero, six)  d = Mul(a, c)  e = Div(d, six)
            y = Conv <kernel_shape = [1, 1]> (e, w2)
        }""",
        {
            "w1": floats(6, 1, 3, 3), "b1": floats(6), "w2": floats(10, 6, 1, 1), "three": np.float32(3), "zero": np.float32(0),
            "six": np.float32(6),
        },
        {"x": floats(1, 6, 12, 12)},
    ),
    "attention": (
        """g (float[n, s, 24] x) => (y) {
            q0 = MatMul(x, wq)  k0 = MatMul(x, wk)  v0 = MatMul(x, wv)
            q1 = Reshape(q0, heads)  k1 = Reshape(k0, heads)  v1 = Reshape(v0, heads)
            q = Transpose <perm = [0, 2, 1, 3]> (q1)
            k = Transpose <perm = [0, 2, 3, 1]> (k1)
            v = Transpose <perm = [0, 2, 1, 3]> (v1)
            s0 = MatMul(q, k)  s1 = Div(s0, root)  p = Softmax <axis = -1> (s1)
            o = MatMul(p, v)  o1 = Transpose <perm = [0, 2, 1, 3]> (o)  o2 = Reshape(o1, joined)
            o3 = MatMul(o2, wo)  y = Add(o3, x)
        }""",
        {
            **{name: floats(24, 24) for name in ("wq", "wk", "wv", "wo")}, "heads": np.array([0, 0, 4, 6]),
            "joined": np.array([0, 0, 24]), "root": np.float32(6**0.5),
        },
        {"x": floats(2, 11, 24)},
    ),
    "layer normalisation spelled out, gelu": (
        """g (float[n, s, 16] x) => (y) {
            m = ReduceMean <axes = [-1]> (x)  d = Sub(x, m)  q = Pow(d, two)  v = ReduceMean <axes = [-1]> (q)
            ve = Add(v, epsilon)  r = Sqrt(ve)  h = Div(d, r)  hs = Mul(h, scale)  z = Add(hs, bias)
            t = Div(z, root)  e = Erf(t)  u = Add(e, one)  w = Mul(z, u)  y = Mul(w, half)
        }""",
        {
            "two": np.float32(2), "epsilon": np.float32(1e-5), "scale": floats(16), "bias": floats(16), "one": np.float32(1),
            "root": np.float32(2**0.5), "half": np.float32(0.5),
        },
        {"x": floats(3, 5, 16)},
    ),
    "shape arithmetic": (
        """g (float[n, c, h, w] x) => (y) {
            s = Shape(x)  n0 = Gather(s, first)  n1 = Unsqueeze(n0, axis)  t = Concat <axis = 0> (n1, rest)
            r = Reshape(x, t)  a = Slice(r, from, to, ones)  b = Transpose <perm = [1, 0]> (a)  y = Concat <axis = 0> (b, b)
        }""",
        {
            "first": np.array(0), "axis": np.array([0]), "rest": np.array([-1]), "from": np.array([1]), "to": np.array([-1]),
            "ones": np.array([1]),
        },
        {"x": floats(2, 3, 4, 5)},
    ),
    "quantised product": (
        """g (float[n, 12] x) => (float[n, 9] y) {
            q = QuantizeLinear(x, sx, zx)  d = DequantizeLinear(q, sx, zx)  w = DequantizeLinear <axis = 1> (wq, sw, zw)
            a = MatMul(d, w)  b = Add(a, bias)  c = QuantizeLinear(b, sy, zy)  y = DequantizeLinear(c, sy, zy)
        }""",
        {
            "sx": np.float32(0.02), "zx": np.uint8(128), "wq": RNG.integers(-127, 128, (12, 9)).astype(np.int8),
            "sw": abs(floats(9)) / 50 + np.float32(1e-3), "zw": np.zeros(9, np.int8), "bias": floats(9), "sy": np.float32(0.03),
            "zy": np.uint8(120),
        },
        {"x": floats(6, 12) * 3},
    ),
}  # fmt: skip
OPSET = {"quantised product": 21}
# An answer that lies between two steps of the last quantisation may fall to either.
STEP = {"quantised product": 0.03}


def build(name):
    text, constants, feeds = MODELS[name]
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : {OPSET.get(name, 17)}]>' + text)
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items())
    return model, feeds


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("level", ["off", "cheap", "all"])
@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_the_reference(name, level, threads):
    model, feeds = build(name)
    want = ReferenceEvaluator(model).run(None, feeds)[0]
    loaded = engine.load(model.SerializeToString(), optimize=level, threads=threads)
    got = loaded.run(feeds)["y"]
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=STEP.get(name, 0) + 1e-5)
    assert loaded.run(feeds)["y"].tobytes() == got.tobytes()
