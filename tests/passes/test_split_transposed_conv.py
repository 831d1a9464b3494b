"""Transposed convolutions whose steps are as long as their kernel, alone and in graphs with channels last."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper


def model_of(nodes, constants, shape):
    values = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], values
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


@pytest.mark.parametrize("n,c,m,h,w,block", [(1, 24, 24, 9, 7, 2), (2, 5, 1, 4, 6, 2), (1, 16, 32, 5, 5, 3), (1, 3, 7, 1, 1, 4), (0, 4, 4, 3, 3, 2)])
@pytest.mark.parametrize("bias", [False, True])
def test_equals_the_general_form(n, c, m, h, w, block, bias):
    rng = np.random.default_rng(0)
    constants = {"w": rng.standard_normal((c, m, block, block)).astype(np.float32)}
    if bias:
        constants["b"] = rng.standard_normal(m).astype(np.float32)
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w"] + (["b"] if bias else []), ["t"], strides=[block, block]),
        helper.make_node("Relu", ["t"], ["y"]),
    ]
    model, x = model_of(nodes, constants, [n, c, h, w]), rng.standard_normal((n, c, h, w)).astype(np.float32)
    fused = engine.load(model)
    np.testing.assert_allclose(fused.run({"x": x})["y"], engine.load(model, optimize="off").run({"x": x})["y"], rtol=1e-4, atol=1e-4)
    assert "DepthToSpace" in fused.plan({"x": x})["text"]


@pytest.mark.parametrize("c,m", [(24, 24), (7, 3)])
def test_after_a_convolution_of_bytes(c, m):
    rng = np.random.default_rng(1)
    constants = dict(
        s=np.float32(0.05), z=np.uint8(120), q=rng.integers(-127, 128, (c, 8, 3, 3)).astype(np.int8), qs=np.float32(0.01), qz=np.int8(0),
        w=rng.standard_normal((c, m, 2, 2)).astype(np.float32), v=rng.standard_normal((m, 1, 2, 2)).astype(np.float32),
        p=rng.standard_normal((m, m, 1, 1)).astype(np.float32), b=rng.standard_normal(m).astype(np.float32),
    )  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
        helper.make_node("DequantizeLinear", ["q", "qs", "qz"], ["qd"]),
        helper.make_node("Conv", ["xd", "qd"], ["c0"], pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c0", "s", "z"], ["c1"]),
        helper.make_node("DequantizeLinear", ["c1", "s", "z"], ["c2"]),
        helper.make_node("ConvTranspose", ["c2", "w", "b"], ["t0"], strides=[2, 2]),
        helper.make_node("Relu", ["t0"], ["t1"]),
        helper.make_node("Conv", ["t1", "p", "b"], ["t2"]),
        helper.make_node("ConvTranspose", ["t2", "v"], ["t3"], strides=[2, 2]),
        helper.make_node("Sigmoid", ["t3"], ["y"]),
    ]
    model, x = model_of(nodes, constants, [1, 8, 7, 6]), rng.standard_normal((1, 8, 7, 6)).astype(np.float32)
    fused, plain = engine.load(model), engine.load(model, optimize="off")
    off = np.abs(fused.run({"x": x})["y"] - plain.run({"x": x})["y"])
    assert off.max() < 0.2 and np.mean(off > 1e-3) < 0.02
