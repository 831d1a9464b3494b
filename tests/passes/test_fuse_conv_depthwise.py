"""Convolutions that only a depthwise one reads are computed with it, and nothing else is."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(7)
PAYS = engine.isa() != "scalar"  # whose products outweigh what joining saves


class Net:
    def __init__(self, shape):
        self.x, self.nodes, self.constants = RNG.standard_normal(shape).astype(np.float32), [], []

    def add(self, op, *inputs, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [f"v{len(self.nodes)}"], **attributes))
        return self.nodes[-1].output[0]

    def constant(self, array):
        self.constants.append(numpy_helper.from_array(np.asarray(array, np.float32), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def conv(self, x, c_in, c_out, kernel, group=1, bias=True, **attributes):
        terms = c_in // group * kernel**2
        w = self.constant(RNG.standard_normal((c_out, c_in // group, kernel, kernel)) / terms**0.5)
        b = [self.constant(RNG.standard_normal(c_out))] if bias else []
        return self.add("Conv", x, w, *b, group=group, pads=[kernel // 2] * 4, **attributes)

    def check(self, *outputs, joined):
        graph = helper.make_graph(
            self.nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.x.shape)],
            [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs], self.constants,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString()
        want = engine.load(model, optimize="off").run({"x": self.x})
        bits = None
        for threads in (1, 2):
            loaded = engine.load(model, threads=threads)
            got = loaded.run({"x": self.x})
            for o in outputs:
                np.testing.assert_allclose(got[o], want[o], rtol=2e-4, atol=2e-5)
            assert loaded.plan({"x": self.x})["text"].count("engine.ConvDepthwise") == (joined if PAYS else 0)
            bits = bits or got
            assert all(np.array_equal(bits[o].view(np.uint32), got[o].view(np.uint32)) for o in outputs)


@pytest.mark.parametrize("shape", [(1, 24, 56, 56), (3, 40, 25, 27), (2, 17, 40, 90)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_inverted_residual(shape, stride, bias):
    net, c = Net(shape), shape[1]
    wide = net.add("Relu", net.conv("x", c, 6 * c, 1, bias=bias))
    wide = net.add("HardSwish", net.conv(wide, 6 * c, 6 * c, 3, group=6 * c, bias=bias, strides=[stride, stride]))
    y = net.conv(wide, 6 * c, c, 1)
    net.check(net.add("Add", "x", y) if stride == 1 else y, joined=1)


def test_stem():
    net = Net((1, 3, 192, 200))
    y = net.add("Relu", net.conv("x", 3, 32, 3, strides=[2, 2]))
    net.check(net.add("Relu", net.conv(y, 32, 32, 3, group=32)), joined=1)


def test_what_others_read_is_made():
    for outputs in (("v0",), ()):
        net = Net((1, 32, 80, 80))
        wide = net.conv("x", 32, 64, 1)
        y = net.conv(wide, 64, 64, 3, group=64)
        net.check(net.add("Add", wide, y), *outputs, joined=0)


def test_residuals_are_left_alone():
    net = Net((1, 32, 80, 80))
    wide = net.add("Add", net.conv("x", 32, 32, 1), "x")
    y = net.add("Add", net.conv(wide, 32, 32, 3, group=32), "x")
    net.check(y, joined=0)


def test_weights_that_come_with_the_call_are_left_alone():
    net = Net((1, 32, 80, 80))
    w = net.add("Mul", net.constant(np.ones((64, 32, 1, 1))), net.add("ReduceMax", "x", keepdims=0))
    net.check(net.conv(net.add("Conv", "x", w), 64, 64, 3, group=64), joined=0)
