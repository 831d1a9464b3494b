"""engine.backend: the onnx package's backend interface."""

import engine
import numpy as np
import onnx
import pytest
from engine import backend
from harness import one_node
from onnx import helper

X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2


def test_run_model_and_prepare():
    model = onnx.load_from_string(one_node("Relu", [X]))
    prepared = backend.prepare(model, threads=1)
    for inputs in ([X], X, {"x0": X}):
        outputs = prepared.run(inputs)
        np.testing.assert_array_equal(outputs[0], np.maximum(X, 0))
        np.testing.assert_array_equal(outputs.y0, outputs[0])
    np.testing.assert_array_equal(backend.run_model(model, [X])[0], np.maximum(X, 0))


def test_run_node():
    node = helper.make_node("Sub", ["a", "b"], ["c"])
    np.testing.assert_array_equal(backend.run_node(node, [X, X])[0], X * 0)
    np.testing.assert_array_equal(backend.run_node(node, [X, X], opset_version=7)[0], X * 0)
    binarizer = helper.make_node("Binarizer", ["x"], ["y"], domain="ai.onnx.ml", threshold=0.5)
    np.testing.assert_array_equal(backend.run_node(binarizer, [X])[0], X > 0.5)


def test_devices():
    assert backend.supports_device("CPU")
    assert backend.supports_device("CPU:0")
    assert not backend.supports_device("CUDA")
    with pytest.raises(engine.UnsupportedOperator, match="CUDA"):
        backend.prepare(onnx.ModelProto(), device="CUDA")


def test_errors_are_the_engines():
    with pytest.raises(engine.InvalidModel):
        backend.prepare(onnx.ModelProto())
    with pytest.raises(engine.InvalidInput, match="2 inputs"):
        backend.run_node(helper.make_node("Relu", ["x"], ["y"]), [X, X])
    with pytest.raises(engine.InvalidInput, match="2 inputs"):
        backend.prepare(onnx.load_from_string(one_node("Relu", [X]))).run([X, X])
    unknown = helper.make_node("NoSuchOperator", ["x"], ["y"], domain="no.such")
    model = helper.make_model(
        helper.make_graph([unknown], "g", [helper.make_tensor_value_info("x", 1, [1])], [onnx.ValueInfoProto(name="y")]),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("no.such", 1)],
    )
    assert not backend.is_compatible(model)
    assert backend.is_compatible(onnx.load_from_string(one_node("Relu", [X])))
