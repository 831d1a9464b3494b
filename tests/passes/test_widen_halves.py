"""Chains of float16 nodes around products are computed in float32 and rounded where they are left; those of bfloat16 round each step."""

import engine
import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper


def model(nodes, inputs, outputs, constants):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, dtype, shape) for name, dtype, shape in inputs],
        [helper.make_tensor_value_info(name, dtype, None) for name, dtype in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9).SerializeToString()


def casts(loaded, feeds):
    return sum(line.split()[0] == "Cast" for line in loaded.plan(feeds)["text"].splitlines() if line.strip())


def draw(rng, dtype, *shape):
    return (rng.standard_normal(shape) * 0.3).astype(dtype)


def test_rounded_at_the_edges_only():
    dtype, number, tolerance = np.float16, TensorProto.FLOAT16, 2e-3
    rng = np.random.default_rng(1)
    x, w, b, g = draw(rng, dtype, 2, 9, 33), draw(rng, dtype, 33, 17), draw(rng, dtype, 17), draw(rng, dtype, 17)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Transpose", ["r"], ["t"], perm=[1, 0, 2]),
        helper.make_node("LayerNormalization", ["t", "g"], ["n"]),
        helper.make_node("MatMul", ["n", "wt"], ["y"]),
    ]
    loaded = engine.load(model(nodes, [("x", number, [2, 9, 33])], [("y", number)], {"w": w, "b": b, "g": g, "wt": w.T.copy()}))
    got = loaded.run({"x": x})["y"]
    assert got.dtype == dtype
    x, w, b, g = (v.astype(np.float32) for v in (x, w, b, g))
    t = np.maximum(x @ w + b, 0).transpose(1, 0, 2)
    n = (t - t.mean(-1, keepdims=True)) / np.sqrt(t.var(-1, keepdims=True) + 1e-5) * g
    want = n @ w.T
    np.testing.assert_allclose(got.astype(np.float32), want, rtol=tolerance, atol=tolerance * 0.2)
    assert casts(loaded, {"x": x.astype(dtype)}) <= 2


def test_bfloat16_rounds_each_step():
    bf16 = ml_dtypes.bfloat16
    rng = np.random.default_rng(3)
    x, w, b = draw(rng, bf16, 9, 33), draw(rng, bf16, 33, 17), draw(rng, bf16, 17)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Sigmoid", ["m"], ["s"]),
        helper.make_node("Mul", ["s", "b"], ["y"]),
    ]
    data = model(nodes, [("x", TensorProto.BFLOAT16, [9, 33])], [("y", TensorProto.BFLOAT16)], {"w": w, "b": b})
    levels = [engine.load(data, optimize=level).run({"x": x})["y"] for level in ("off", "all")]
    np.testing.assert_array_equal(levels[0].view(np.uint16), levels[1].view(np.uint16))


def test_casts_of_the_model_to_halves_round():
    x = np.float32([[1.0, 1.0002441, 2.0007, 65519.0, 1e-9, -0.0]])
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["h", "one"], ["m"]),
        helper.make_node("Cast", ["m"], ["y"], to=TensorProto.FLOAT),
    ]
    data = model(nodes, [("x", TensorProto.FLOAT, [1, 6])], [("y", TensorProto.FLOAT)], {"one": np.eye(6, dtype=np.float16)})
    want = x.astype(np.float16).astype(np.float32) @ np.eye(6, dtype=np.float32)
    np.testing.assert_array_equal(engine.load(data).run({"x": x})["y"], want)


def test_what_compares_sees_rounded_values():
    """1.0002 and 1 are one float16: ArgMax takes the first, though the second is larger in float32."""
    x = np.float16([[1.0, 2.0**-13]])
    w = np.float16([[1.0, 1.0], [0.0, 1.0]])
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Relu", ["m"], ["r"]),
        helper.make_node("ArgMax", ["r"], ["y"], axis=-1),
        helper.make_node("Add", ["r", "r"], ["z"]),
    ]
    outputs = [("y", TensorProto.INT64), ("z", TensorProto.FLOAT16), ("m", TensorProto.FLOAT16)]
    got = engine.load(model(nodes, [("x", TensorProto.FLOAT16, [1, 2])], outputs, {"w": w})).run({"x": x})
    assert got["y"].tolist() == [[0]]
    np.testing.assert_array_equal(got["m"], np.float16([[1, 1]]))
    np.testing.assert_array_equal(got["z"], np.float16([[2, 2]]))


def test_regions_without_products_stay():
    x = np.random.default_rng(2).standard_normal((4, 5)).astype(np.float16)
    nodes = [helper.make_node("Add", ["x", "x"], ["a"]), helper.make_node("Sigmoid", ["a"], ["y"])]
    data = model(nodes, [("x", TensorProto.FLOAT16, [4, 5])], [("y", TensorProto.FLOAT16)], {})
    levels = [engine.load(data, optimize=level) for level in ("off", "all")]
    assert casts(levels[1], {"x": x}) == 0
    np.testing.assert_array_equal(levels[0].run({"x": x})["y"], levels[1].run({"x": x})["y"])


def test_infinities_and_nan_pass():
    x = np.float16([[np.inf, -np.inf, np.nan, 60000.0]])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Mul", ["m", "two"], ["y"])]
    constants = {"w": np.float16([[1], [0], [0], [0]]) * 0 + np.float16([[0], [0], [0], [1]]), "two": np.float16([2])}
    data = model(nodes, [("x", TensorProto.FLOAT16, [1, 4])], [("y", TensorProto.FLOAT16)], constants)
    assert np.isnan(engine.load(data).run({"x": x})["y"]).all()
    finite = engine.load(data).run({"x": np.float16([[0, 0, 0, 60000.0]])})["y"]
    assert np.isposinf(finite).all()
