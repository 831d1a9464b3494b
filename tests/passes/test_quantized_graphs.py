"""Graphs of QuantizeLinear and DequantizeLinear: what is fused into bytes gives what the nodes give one by one, within quanta."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper


class Net:
    """A model under construction; every method returns the name of a float32 value."""

    def __init__(self, seed, byte):
        self.rng, self.byte = np.random.default_rng(seed), byte
        self.nodes, self.constants, self.count = [], [], 0

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def constant(self, array):
        name = self.name()
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op, inputs, **attrs):
        out = self.name()
        self.nodes.append(helper.make_node(op, inputs, [out], **attrs))
        return out

    def qdq(self, x, scale=0.05, zero=None):
        zero = self.rng.integers(100, 156) - (128 if self.byte == np.int8 else 0) if zero is None else zero
        scale, zero = self.constant(np.float32(scale)), self.constant(self.byte(zero))
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [x, scale, zero]), scale, zero])

    def conv(self, x, c_in, c_out, kernel, group=1, bias=True, **attrs):
        w = self.constant(self.rng.integers(-127, 128, (c_out, c_in // group, *kernel)).astype(np.int8))
        scale = self.constant(self.rng.uniform(0.5, 1.5, c_out).astype(np.float32) * np.float32(0.02 / (c_in // group * np.prod(kernel)) ** 0.5))
        w = self.node("DequantizeLinear", [w, scale, self.constant(np.zeros(c_out, np.int8))], axis=0)
        inputs = [x, w] + ([self.constant(self.rng.standard_normal(c_out).astype(np.float32))] if bias else [])
        return self.node("Conv", inputs, group=group, **attrs)

    def check(self, output, feeds, quanta=2.0, rare=0.02, step=0.05, fused=()):
        inputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, v.shape) for k, v in feeds.items()]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
        graph = helper.make_graph(self.nodes, "g", inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
        want = engine.load(model, optimize="off").run(feeds)[output]
        for threads in (1, 2):
            loaded = engine.load(model, optimize="all", threads=threads)
            got = loaded.run(feeds)[output]
            assert got.shape == want.shape
            off = np.abs(got - want) / step
            assert off.max(initial=0) <= quanta + 1e-3 and np.sum(off > 1e-3) <= rare * off.size
        plan = loaded.plan(feeds)["text"]
        for op in fused:
            assert op in plan, plan
        return plan


def data(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


BYTES = pytest.mark.parametrize("byte", [np.uint8, np.int8])
SHAPES = pytest.mark.parametrize("c,h,w", [(3, 9, 11), (16, 7, 5), (24, 13, 12), (33, 6, 10), (64, 8, 8)])


@BYTES
@SHAPES
def test_convolutions_in_a_row(byte, c, h, w):
    net = Net(1, byte)
    x = net.qdq("x")
    y = net.qdq(net.node("Relu", [net.conv(x, c, 40, (3, 3), pads=[1, 1, 1, 1])]))
    y = net.qdq(net.conv(y, 40, 40, (3, 3), group=40, pads=[1, 1, 1, 1], strides=[2, 2]))
    y = net.qdq(net.conv(y, 40, 17, (1, 1), bias=False))
    plan = net.check(y, {"x": data((2, c, h, w))}, quanta=6, rare=0.1, fused=["engine.QLinearConv"])
    assert " Conv " not in plan and plan.count("Transpose") == 2


@BYTES
@SHAPES
def test_depthwise_of_any_window(byte, c, h, w):
    for kernel, attrs in [((5, 5), dict(pads=[2, 2, 2, 2])), ((3, 2), dict(strides=[1, 3], pads=[1, 0, 1, 1])), ((3, 3), dict(dilations=[2, 2], pads=[2, 2, 2, 2]))]:
        net = Net(2, byte)
        y = net.qdq(net.conv(net.qdq("x"), c, c, kernel, group=c, **attrs))
        net.check(y, {"x": data((1, c, h, w))}, quanta=1, fused=["engine.QLinearConv"])


@BYTES
def test_element_wise_chains_become_tables(byte):
    net = Net(3, byte)
    y = net.qdq(net.conv(net.qdq("x"), 8, 24, (1, 1)))
    for seed in range(3):
        z = net.node("Add", [net.node("Mul", [y, net.constant(np.float32([1.3 + seed]))]), net.constant(np.float32([-0.2]))])
        y = net.qdq(net.node("Mul", [z, net.node("HardSigmoid", [z], alpha=1 / 6, beta=0.5)]), scale=0.03 + 0.01 * seed)
    plan = net.check(y, {"x": data((1, 8, 9, 10))}, quanta=4, rare=0.05, step=0.05, fused=["engine.QLinearConv"])
    assert "Elementwise" not in plan and "Mul" not in plan


@BYTES
@pytest.mark.parametrize("relu", [False, True])
def test_residual(byte, relu):
    net = Net(4, byte)
    a = net.qdq(net.conv(net.qdq("x"), 8, 24, (1, 1)))
    b = net.qdq(net.conv(a, 24, 24, (3, 3), pads=[1, 1, 1, 1]))
    y = net.node("Add", [a, b])
    if relu:
        y = net.node("Relu", [y])
    y = net.qdq(y, scale=0.083, zero=-128 if byte == np.int8 else 0) if relu else net.qdq(y, scale=0.083)
    net.check(net.qdq(net.conv(y, 24, 8, (1, 1))), {"x": data((2, 8, 9, 10))}, quanta=4, rare=0.1)


@BYTES
def test_pool_resize_and_join(byte):
    net = Net(5, byte)
    a = net.qdq(net.conv(net.qdq("x"), 8, 24, (3, 3), pads=[1, 1, 1, 1]))
    small = net.node("MaxPool", [a], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    small = net.qdq(net.conv(net.qdq(small), 24, 12, (1, 1)))
    large = net.node("Resize", [small, "", net.constant(np.float32([1, 1, 2, 2]))], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    y = net.qdq(net.node("Concat", [a, large], axis=1))
    net.check(net.qdq(net.conv(y, 36, 8, (1, 1))), {"x": data((1, 8, 12, 10))}, quanta=4, rare=0.1, fused=["engine.ByteMaxPool"])


@BYTES
@pytest.mark.parametrize("c", [12, 24, 96, 130])
def test_squeeze_and_excite(byte, c):
    net = Net(6, byte)
    a = net.qdq(net.conv(net.qdq("x"), 8, c, (1, 1)))
    gate = net.qdq(net.node("GlobalAveragePool", [a]), scale=0.01)
    gate = net.qdq(net.node("Relu", [net.conv(gate, c, 6, (1, 1))]), zero=-128 if byte == np.int8 else 0)
    gate = net.node("HardSigmoid", [net.qdq(net.conv(gate, 6, c, (1, 1)))])
    y = net.qdq(net.node("Add", [a, net.node("Mul", [a, gate])]))
    net.check(net.qdq(net.conv(y, c, 8, (1, 1))), {"x": data((2, 8, 31, 17))}, quanta=4, rare=0.1, fused=["engine.DequantizedMean"])


@pytest.mark.parametrize("shape", [(0, 8, 5, 5), (2, 8, 1, 1)])
def test_no_pixels_and_one(shape):
    net = Net(7, np.uint8)
    y = net.qdq(net.conv(net.qdq("x"), 8, 24, (1, 1)))
    y = net.qdq(net.conv(y, 24, 24, (3, 3), group=24, pads=[1, 1, 1, 1]))
    net.check(y, {"x": data(shape)}, quanta=2, rare=0.1)


def test_no_number_and_infinity():
    net = Net(8, np.uint8)
    x = data((1, 8, 5, 5))
    x[0, 0, 0, 0], x[0, 1, 2, 2], x[0, 2, 1, 1] = np.nan, np.inf, -np.inf
    net.check(net.qdq(net.conv(net.qdq("x"), 8, 24, (1, 1))), {"x": x}, quanta=1)


def dequantised_bias_conv(byte, bias, w, w_scale, x_scale, y_scale, bias_scale):
    """A 1x1 convolution with a bias that DequantizeLinear gives. Returns the model; its input is bytes [1, c, h, w], its output too."""
    net = Net(0, byte)
    zeros = net.constant(byte(3)), net.constant(byte(7))
    x = net.node("DequantizeLinear", ["x", net.constant(np.float32(x_scale)), zeros[0]])
    w = net.node("DequantizeLinear", [net.constant(w), net.constant(w_scale), net.constant(np.zeros(len(w_scale), np.int8))], axis=0)
    b = net.node("DequantizeLinear", [net.constant(bias), net.constant(bias_scale), net.constant(np.zeros(len(bias), np.int32))], axis=0)
    y = net.node("QuantizeLinear", [net.node("Conv", [x, w, b]), net.constant(np.float32(y_scale)), zeros[1]])
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(byte))
    ends = [helper.make_tensor_value_info(n, kind, None) for n in ("x", y)]
    graph = helper.make_graph(net.nodes, "g", ends[:1], ends[1:], net.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


@BYTES
@pytest.mark.parametrize("large", [False, True])
def test_a_quantised_bias_joins_the_sum(byte, large):
    """Then a result is rounded once: half-way between two bytes is met as exactly as float32 tells. Also beside a bias near int32's limit
    in a channel without weights, as calibration leaves them."""
    rng = np.random.default_rng(9)
    c_in, c_out, x_scale, y_scale = 48, 40, 0.031, 0.0807
    w = rng.integers(-127, 128, (c_out, c_in, 1, 1)).astype(np.int8)
    w_scale = rng.uniform(1e-3, 3e-3, c_out).astype(np.float32)
    bias = rng.integers(-30000, 30000, c_out).astype(np.int32)
    if large:
        w[:4], w_scale[:4], bias[:4] = 0, 1e-9, [2147268941, -2147268941, 2147483647, -2147483647]
    scale = (np.float32(x_scale) * w_scale).astype(np.float32)
    model = dequantised_bias_conv(byte, bias, w, w_scale, x_scale, y_scale, scale)
    low = np.iinfo(byte).min
    x = rng.integers(low, low + 256, (1, c_in, 90, 61)).astype(byte)
    total = np.einsum("oc,nchw->nohw", w[:, :, 0, 0].astype(np.int64), x.astype(np.int64) - 3) + bias[:, None, None]
    wanted = np.rint(total.astype(np.float32) * (scale / np.float32(y_scale))[:, None, None]) + 7
    loaded = engine.load(model)
    (got,) = loaded.run({"x": x}).values()
    assert "engine.QLinearConv" in loaded.plan({"x": x})["text"]
    np.testing.assert_array_equal(got, np.clip(wanted, low, low + 255).astype(byte))


@BYTES
def test_a_quantised_bias_that_could_leave_int32_stays_a_float(byte):
    c_in, c_out = 16, 8
    w, w_scale = np.full((c_out, c_in, 1, 1), 127, np.int8), np.full(c_out, 1e-9, np.float32)
    bias = np.full(c_out, 2147483000, np.int32)
    model = dequantised_bias_conv(byte, bias, w, w_scale, 1.0, 0.03, w_scale)
    x = np.full((1, c_in, 4, 4), np.iinfo(byte).max, byte)
    total = float(int(bias[0]) + c_in * 127 * (int(x[0, 0, 0, 0]) - 3))
    (got,) = engine.load(model).run({"x": x}).values()
    assert np.unique(got).tolist() == [round(total * 1e-9 / 0.03) + 7]
