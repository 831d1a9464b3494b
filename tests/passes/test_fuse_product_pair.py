"""Two products in a row become one where what is between them is large: the same bits as one after the other."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(3)


def model_of(nodes, constants, shape, outputs=("y",)):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs],
        [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString()


def mlp(bias=True, residual=True, activation="Gelu"):
    nodes = [helper.make_node("MatMul", ["x", "w1"], ["a"])]
    nodes += [helper.make_node("Add", ["a", "b1"], ["b"])] if bias else []
    nodes += [helper.make_node(activation, nodes[-1].output[:1], ["c"])]
    nodes += [helper.make_node("MatMul", ["c", "w2"], ["d"])]
    nodes += [helper.make_node("Add", ["b2", "d"], ["e"])] if bias else []
    nodes += [helper.make_node("Add", ["x", nodes[-1].output[0]], ["y"]) if residual else helper.make_node("Relu", nodes[-1].output[:1], ["y"])]
    return nodes


def weights(k, between, n):
    return dict(
        w1=RNG.standard_normal((k, between)) / k**0.5, b1=RNG.standard_normal(between),
        w2=RNG.standard_normal((between, n)) / between**0.5, b2=RNG.standard_normal(n),
    )  # fmt: skip


def run(model, x, threads=1, joined=1):
    loaded = engine.load(model, threads=threads)
    assert loaded.plan({"x": x})["text"].count("engine.ProductPair") == joined
    return loaded.run({"x": x})["y"]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("activation", ["Gelu", "Relu", "Tanh"])
def test_against_the_model_as_written(bias, residual, activation):
    k, between = 24, 1000
    model = model_of(mlp(bias, residual, activation), weights(k, between, k), ["n", "m", k])
    x = RNG.standard_normal((3, 701, k)).astype(np.float32)
    x[1, 5, 3], x[2, 600, 0] = np.nan, np.inf
    with np.errstate(all="ignore"):
        want = engine.load(model, optimize="off").run({"x": x})["y"]
        got = run(model, x)
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(got.view(np.uint32), run(model, x, threads=2).view(np.uint32))
    few = run(model, x[:, :40].copy(), joined=0)
    np.testing.assert_array_equal(got[:, :40].view(np.uint32), few.view(np.uint32))


@pytest.mark.parametrize("rows,k,between,n", [(1024, 16, 2048, 16), (1031, 5, 4099, 33), (2099, 40, 1001, 300), (1 << 21, 1, 1, 1)])
def test_sizes(rows, k, between, n):
    constants = weights(k, between, n)
    model = model_of(mlp(residual=False), constants, [rows, k])
    x = RNG.standard_normal((rows, k)).astype(np.float32)
    got = run(model, x, threads=2)
    np.testing.assert_allclose(got, engine.load(model, optimize="off").run({"x": x})["y"], rtol=1e-3, atol=2e-3)
    np.testing.assert_array_equal(got.view(np.uint32), run(model, x).view(np.uint32))


def test_what_others_read_is_made():
    model = model_of(mlp(), weights(24, 1000, 24), [2100, 24], outputs=("y", "c"))
    run(model, RNG.standard_normal((2100, 24)).astype(np.float32), joined=0)
