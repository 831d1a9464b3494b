"""Packed constants when many calls or several models need them at once, and what loading a large file leaves behind."""

import concurrent.futures
import pathlib
import threading

import engine
import numpy as np
import pytest
from harness import assert_close
from onnx import TensorProto, helper, numpy_helper
from packing import all_kinds, answers

R = np.random.default_rng(0)
MEMORY = pathlib.Path("/proc/self/smaps_rollup")


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


def anonymous():
    """Bytes of memory that no file backs."""
    (line,) = (line for line in MEMORY.read_text().splitlines() if line.startswith("Anonymous:"))
    return int(line.split()[1]) << 10


@pytest.mark.skipif(not MEMORY.exists(), reason="only Linux tells; native/common_packs.cpp compares addresses everywhere")
def test_models_that_have_the_same_weights_keep_them_once(tmp_path):
    weights = [R.normal(size=(2048, 4096 + i)).astype(np.float32) for i in range(3)]
    path = tmp_path / "large.onnx"
    path.write_bytes(products(*weights))
    x = R.normal(size=(2, 2048)).astype(np.float32)
    before = anonymous()
    first = engine.load(path, threads=1)
    expected, packed, alone = first.run({"x": x}), first.memory["packed"], anonymous()
    assert packed > 90 << 20
    assert alone - before > 0.9 * packed
    second = engine.load(path, threads=2)
    assert second.memory["packed"] == packed
    assert anonymous() - alone < packed / 4
    weights[1] = weights[1] + np.float32(1)
    path.with_suffix(".tmp").write_bytes(products(*weights))
    path.with_suffix(".tmp").rename(path)
    first.reload(path)
    assert anonymous() - alone < packed / 2
    np.testing.assert_array_equal(first.run({"x": x})["y0"], expected["y0"])
    np.testing.assert_allclose(first.run({"x": x})["y1"], x @ weights[1], rtol=1e-3, atol=1e-2)
    first.close()
    for name, value in second.run({"x": x}).items():
        np.testing.assert_array_equal(value, expected[name])
    second.close()
    assert anonymous() - before < packed / 4


@pytest.mark.parametrize(
    "changed", ["conv_w", "conv_b", "point_w", "product_w", "bytes_w", "byte_conv_w", "bits_w", "bits_scales", "bits_zeros", "lstm_w", "lstm_r"]
)
def test_models_that_differ_in_one_constant(changed):
    alone = answers(engine.load(all_kinds(change=(changed,)), cache=False))
    base = engine.load(all_kinds(), cache=False)
    expected = answers(base)
    assert answers(engine.load(all_kinds(change=(changed,)), cache=False)) == alone != expected
    assert answers(engine.load(all_kinds(), cache=False)) == answers(base) == expected
