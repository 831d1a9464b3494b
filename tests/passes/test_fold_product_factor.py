"""Factors of columns go into a product's weights and bias; what cannot stays."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(5)


def check(nodes, constants, rows, folded):
    x = RNG.standard_normal(rows).astype(np.float32)
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, rows)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    loaded = engine.load(model)
    np.testing.assert_allclose(loaded.run({"x": x})["y"], engine.load(model, optimize="off").run({"x": x})["y"], rtol=1e-4, atol=1e-4)
    steps = loaded.plan({"x": x})["text"].splitlines()
    assert any(s.startswith(("Mul", "engine.FusedElementwise")) for s in steps) != folded


@pytest.mark.parametrize("factor_shape", [(24,), (1, 24), (1, 1, 24)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("side", [0, 1])
def test_columns_of_a_matrix_product(factor_shape, bias, side):
    constants = dict(w=RNG.standard_normal((16, 24)), b=RNG.standard_normal(24), f=RNG.standard_normal(factor_shape))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["q"])]
    nodes = nodes if bias else nodes[:1]
    last = nodes[-1].output[0]
    nodes.append(helper.make_node("Mul", [last, "f"] if side else ["f", last], ["y"]))
    check(nodes, constants, [2, 5, 16], folded=True)


@pytest.mark.parametrize("turned", [0, 1])
def test_gemm(turned):
    constants = dict(w=RNG.standard_normal((24, 16) if turned else (16, 24)), b=RNG.standard_normal(24), f=RNG.standard_normal(24))
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["p"], transB=turned, alpha=0.5), helper.make_node("Mul", ["p", "f"], ["y"])]
    check(nodes, constants, [5, 16], folded=True)


def test_rows_and_shared_weights_stay():
    constants = dict(w=RNG.standard_normal((16, 16)), f=RNG.standard_normal((16, 1)))
    check([helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Mul", ["p", "f"], ["y"])], constants, [16, 16], folded=False)
    constants["f"] = RNG.standard_normal(16)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Mul", ["p", "f"], ["q"]), helper.make_node("MatMul", ["q", "w"], ["y"])]
    check(nodes, constants, [5, 16], folded=False)


@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("factor", [np.nan, np.inf, 1e30, [1, 1, 1, 1e30]])
def test_factors_that_would_spoil_weights_stay(factor, turned):
    constants = dict(w=np.full((4, 4), 1e20), f=np.broadcast_to(factor, 4))
    graph_nodes = [helper.make_node("Gemm", ["x", "w"], ["p"], transB=turned), helper.make_node("Mul", ["p", "f"], ["y"])]
    with np.errstate(all="ignore"):
        check(graph_nodes, constants, [3, 4], folded=False)


def test_weights_anywhere_in_a_file(tmp_path):
    """Weights of a large file are read where they lie, aligned or not."""
    for odd in range(4):
        w, f = RNG.standard_normal((512, 300)).astype(np.float32), RNG.standard_normal(300).astype(np.float32)
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Mul", ["p", "f"], ["y"])], "g" * (odd + 1),
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 512])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.zeros(1 << 24, np.float32), "large"), numpy_helper.from_array(w, "w"), numpy_helper.from_array(f, "f")],
        )  # fmt: skip
        file = tmp_path / "m.onnx"
        file.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString())
        model = engine.load(file)
        x = RNG.standard_normal((3, 512)).astype(np.float32)
        np.testing.assert_allclose(model.run({"x": x})["y"], x @ w * f, rtol=1e-4, atol=1e-4)
        assert not any(s.startswith("Mul") for s in model.plan({"x": x})["text"].splitlines())
