"""Quantised networks spelled with QuantizeLinear and DequantizeLinear: fused or not, within one quantum."""

import engine
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(17)


def network(dtype, per_channel, activation, group, zero):
    """x -> quantised -> Conv -> activation -> quantised, added to another Conv of it; both results quantised."""
    nodes, constants = [], []

    def constant(array, name):
        constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(op, inputs, name, **attrs):
        nodes.append(helper.make_node(op, inputs, [name], name=name, **attrs))
        return name

    def quantised(v, name, scale):
        parts = [constant(np.float32(scale), name + "_s"), constant(np.array(zero, dtype), name + "_z")]
        q = node("QuantizeLinear", [v, *parts], name + "_q")
        return q, node("DequantizeLinear", [q, *parts], name + "_d")

    def conv(v, name, channels, x_scale):
        size = channels if per_channel else 1
        scale = rng.uniform(0.01, 0.02, size).astype(np.float32)
        w = rng.integers(-127, 128, (channels, 16 // group, 3, 3)).astype(np.int8)
        shape = (size,) if per_channel else ()
        weight = [constant(w, name + "_w"), constant(scale.reshape(shape), name + "_ws")]
        weight.append(constant(np.zeros(shape, np.int8), name + "_wz"))
        bias = [constant(rng.integers(-900, 900, channels).astype(np.int32), name + "_b")]
        bias.append(constant((scale * np.float32(x_scale)).reshape(shape), name + "_bs"))
        bias.append(constant(np.zeros(shape, np.int32), name + "_bz"))
        weight = node("DequantizeLinear", weight, name + "_wd", axis=0)
        bias = node("DequantizeLinear", bias, name + "_bd", axis=0)
        return node("Conv", [v, weight, bias], name, group=group, pads=[1, 1, 1, 1])

    _, x = quantised("x", "xq", 0.02)
    a = conv(x, "conv_a", 16, 0.02)
    if activation == "Relu":
        a = node("Relu", [a], "relu")
    if activation == "Clip":
        a = node("Clip", [a, constant(np.float32(0), "low"), constant(np.float32(6), "high")], "clip")
    a_q, a = quantised(a, "aq", 0.1)
    b_q, b = quantised(conv(a, "conv_b", 16, 0.1), "bq", 0.5)
    sum_q, _ = quantised(node("Add", [a, b], "add"), "sumq", 0.5)
    graph = helper.make_graph(
        nodes,
        "quantised",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 16, "h", "w"])],
        [onnx.ValueInfoProto(name=o) for o in (a_q, b_q, sum_q)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10).SerializeToString()


@pytest.mark.parametrize("dtype,zero", [(np.uint8, 0), (np.uint8, 120), (np.int8, -3)])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("activation", ["", "Relu", "Clip"])
@pytest.mark.parametrize("group", [1, 4, 16])
def test_within_one_quantum(dtype, zero, per_channel, activation, group):
    data = network(dtype, per_channel, activation, group, zero)
    x = rng.standard_normal((2, 16, 9, 7)).astype(np.float32)
    want = engine.load(data, optimize="off").run({"x": x})
    got = engine.load(data, optimize="all").run({"x": x})
    a = np.abs(got["aq_q"].astype(int) - want["aq_q"].astype(int))
    assert got["aq_q"].dtype == dtype and len(np.unique(got["aq_q"])) > 20
    assert a.max() <= 1 and np.mean(a > 0) < 0.01
    # One quantum of the first result moves the second by a small part of its own.
    for name in ("bq_q", "sumq_q"):
        difference = np.abs(got[name].astype(int) - want[name].astype(int))
        assert difference.max() <= 2 and np.mean(difference > 0) < 0.05
