"""Packed constants when many calls need them at once, and what loading a large file leaves behind."""

import concurrent.futures
import threading

import engine
import numpy as np
from harness import assert_close
from onnx import TensorProto, helper, numpy_helper

R = np.random.default_rng(0)


def products(*weights):
    """y<i> = x @ weights[i]; rows are open."""
    nodes = [helper.make_node("MatMul", ["x", f"w{i}"], [f"y{i}"]) for i in range(len(weights))]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", weights[0].shape[0]])
    outputs = [helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, None) for i in range(len(weights))]
    constants = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    graph = helper.make_graph(nodes, "products", [x], outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_plans_made_at_once_share_what_is_packed():
    weights = [R.normal(size=(96, n)).astype(np.float32) for n in (64, 100, 17, 300)]
    file = products(*weights)
    sizes = [1, 2, 3, 5, 8, 13, 21, 34]
    inputs = [R.normal(size=(n, 96)).astype(np.float32) for n in sizes]
    alone = engine.load(file)
    for x in inputs:
        alone.run({"x": x})
    for _ in range(5):
        model, ready = engine.load(file), threading.Barrier(len(sizes))

        def call(x, model=model, ready=ready):
            ready.wait()
            return model.run({"x": x})

        with concurrent.futures.ThreadPoolExecutor(len(sizes)) as pool:
            results = list(pool.map(call, inputs))
        for x, result in zip(inputs, results, strict=True):
            for i, w in enumerate(weights):
                assert_close(result[f"y{i}"], x @ w, atol=1e-4)
        assert model.memory["packed"] == alone.memory["packed"]


def test_a_mapped_file_stays_readable_after_its_pages_were_given_back(tmp_path):
    """Shapes that come later may need a constant that was packed before in another way."""
    weights = [R.normal(size=(2048, 4096 + i)).astype(np.float32) for i in range(3)]
    path = tmp_path / "large.onnx"
    path.write_bytes(products(*weights))
    assert path.stat().st_size > 64 << 20
    model = engine.load(path)
    for rows in (1, 2, 7, 40):
        x = R.normal(size=(rows, 2048)).astype(np.float32)
        for i, w in enumerate(weights):
            np.testing.assert_allclose(model.run({"x": x})[f"y{i}"], x @ w, rtol=1e-3, atol=1e-3)
