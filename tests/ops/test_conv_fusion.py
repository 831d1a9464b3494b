"""What passes make of convolutions and their neighbours: the same answers as without passes."""

import engine
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(9)


class Net:
    """A model built node by node; its input is x, its outputs what `outputs` names."""

    def __init__(self, shape):
        self.shape, self.nodes, self.constants, self.count = shape, [], [], 0

    def constant(self, array, dtype=np.float32):
        self.constants.append(numpy_helper.from_array(np.asarray(array, dtype), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def add(self, op, *inputs, **attrs):
        self.count += 1
        self.nodes.append(helper.make_node(op, inputs, [f"v{self.count}"], name=f"n{self.count}", **attrs))
        return f"v{self.count}"

    def conv(self, x, c_in, c_out, kernel=3, group=1, bias=True, **attrs):
        w = self.constant(rng.standard_normal((c_out, c_in // group, kernel, kernel)) / (kernel * (c_in / group) ** 0.5))
        b = [self.constant(rng.standard_normal(c_out))] if bias else []
        attrs.setdefault("pads", [kernel // 2] * 4)
        return self.add("Conv", x, w, *b, group=group, **attrs)

    def batch_norm(self, x, c):
        vectors = [rng.standard_normal(c), rng.standard_normal(c), rng.standard_normal(c), rng.uniform(0.5, 2, c)]
        return self.add("BatchNormalization", x, *[self.constant(v) for v in vectors])

    def check(self, *outputs, dynamic=(False, True)):
        x = rng.standard_normal(self.shape).astype(np.float32)
        for unknown in dynamic:
            shape = [f"d{i}" for i in range(len(self.shape))] if unknown else self.shape
            graph = helper.make_graph(
                self.nodes,
                "net",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                [onnx.ValueInfoProto(name=o) for o in outputs],
                self.constants,
            )
            data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString()
            want = engine.load(data, optimize="off").run({"x": x})
            for level in ("cheap", "all"):
                for threads in (1, 2):
                    got = engine.load(data, optimize=level, threads=threads).run({"x": x})
                    for o in outputs:
                        assert got[o].shape == want[o].shape
                        np.testing.assert_allclose(got[o], want[o], rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("c_in,c_out,group", [(3, 32, 1), (16, 24, 1), (32, 32, 32), (32, 64, 2)])
def test_batch_norm(c_in, c_out, group):
    net = Net([2, c_in, 9, 11])
    y = net.batch_norm(net.conv("x", c_in, c_out, group=group, bias=False), c_out)
    net.check(net.add("Relu", y))


def test_batch_norm_before_conv():
    net = Net([1, 32, 9, 9])
    y = net.add("Relu", net.batch_norm("x", 32))
    net.check(net.batch_norm(net.conv(y, 32, 16), 16))


def test_transposed_conv_with_batch_norm():
    net = Net([1, 6, 5, 7])
    w = net.constant(rng.standard_normal((6, 4, 3, 3)))
    y = net.add("ConvTranspose", "x", w, group=2, strides=[2, 2], output_padding=[1, 1])
    net.check(net.add("Tanh", net.batch_norm(y, 8)))


def test_factors_and_shifts():
    net = Net([1, 8, 6, 6])
    y = net.conv("x", 8, 12)
    y = net.add("Mul", y, net.constant(rng.standard_normal((12, 1, 1))))
    y = net.add("Add", net.constant(rng.standard_normal((1, 12, 1, 1))), y)
    y = net.add("Sub", y, net.constant(0.5))
    net.check(net.add("Div", y, net.constant([3.0])))


ACTIVATIONS = {
    "relu": lambda n, v: n.add("Relu", v),
    "relu6": lambda n, v: n.add("Clip", v, n.constant(0.0), n.constant(6.0)),
    "leaky": lambda n, v: n.add("LeakyRelu", v, alpha=0.2),
    "sigmoid": lambda n, v: n.add("Sigmoid", v),
    "tanh": lambda n, v: n.add("Tanh", v),
    "hard_sigmoid": lambda n, v: n.add("HardSigmoid", v, alpha=0.25, beta=0.4),
    "hard_swish": lambda n, v: n.add("HardSwish", v),
    "silu": lambda n, v: n.add("Mul", v, n.add("Sigmoid", v)),
    "gelu": lambda n, v: n.add("Gelu", v),
    "gated": lambda n, v: n.add("Mul", v, n.add("HardSigmoid", v, alpha=1 / 6, beta=0.5)),
    "spelled": lambda n, v: n.add(
        "Div",
        n.add("Mul", v, n.add("Clip", n.add("Add", v, n.constant(3.0)), n.constant(0.0), n.constant(6.0))),
        n.constant(6.0),
    ),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("c_in,c_out,group", [(5, 7, 1), (16, 32, 1), (32, 32, 32)])
def test_activation(name, c_in, c_out, group):
    net = Net([1, c_in, 10, 9])
    y = ACTIVATIONS[name](net, net.conv("x", c_in, c_out, group=group))
    net.check(net.conv(y, c_out, 16))


@pytest.mark.parametrize("channels", [10, 32])
def test_residual(channels):
    net = Net([2, 3, 16, 15])
    a = net.add("Relu", net.conv("x", 3, channels))
    b = net.add("Relu", net.conv(a, channels, channels))
    y = net.add("Relu", net.add("Add", net.conv(b, channels, channels), a))
    z = net.add("Add", y, net.conv(y, channels, channels, kernel=1))
    net.check(z, net.add("GlobalAveragePool", z))


def test_shared_result_is_kept():
    net = Net([1, 3, 8, 8])
    a = net.conv("x", 3, 16)
    net.check(a, net.batch_norm(a, 16), net.add("Relu", a))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_pad(value):
    net = Net([1, 3, 8, 9])
    padded = net.add("Pad", "x", net.constant([0, 0, 1, 2, 0, 0, 0, 1], np.int64), net.constant(value))
    net.check(net.conv(padded, 3, 8, strides=[2, 2]))


def test_regions():
    """Convolutions, pools, joins and element-wise operators, as networks mix them."""
    net = Net([1, 3, 33, 31])
    a = net.add("Relu", net.conv("x", 3, 32, strides=[2, 2]))
    p = net.add("MaxPool", a, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    b = net.add("Relu", net.conv(p, 32, 32))
    c = net.conv(p, 32, 48, kernel=1)
    d = net.add("AveragePool", p, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    j = net.add("Concat", b, c, d, axis=1)
    e = net.add("Relu", net.batch_norm(j, 112))
    f = net.conv(e, 112, 64, kernel=1)
    gate = net.add("Sigmoid", net.conv(net.add("GlobalAveragePool", f), 64, 64, kernel=1))
    g = net.add("Mul", f, gate)
    h = net.add("Exp", net.conv(g, 64, 20))
    i = net.conv(net.add("Mul", h, net.constant(rng.standard_normal((20, 1, 1)))), 20, 16)
    net.check(i, net.add("Flatten", net.add("GlobalAveragePool", i)), g)
