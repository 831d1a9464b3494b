"""memory_limit: what does not fit is an exception at load or in the call, and the model goes on."""

import engine
import numpy as np
import pytest
from harness import one_node
from onnx import TensorProto, helper

MIB = 1 << 20


def chain(weights=None):
    """x -> Exp -> Transpose -> Exp: intermediates of the size of x; with weights, a product first."""
    nodes = [helper.make_node("Exp", ["x"], ["a"]), helper.make_node("Transpose", ["a"], ["b"], perm=[1, 0])]
    nodes.append(helper.make_node("MatMul", ["b", "w"], ["y"]) if weights is not None else helper.make_node("Exp", ["b"], ["y"]))
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, None]) for n in "xy"]
    initializers = [] if weights is None else [helper.make_tensor("w", 1, weights.shape, weights.tobytes(), raw=True)]
    graph = helper.make_graph(nodes, "chain", info[:1], info[1:], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


def test_weights_that_do_not_fit():
    model = chain(np.ones((1024, 1024), np.float32))
    with pytest.raises(engine.MemoryLimitExceeded):
        engine.load(model, memory_limit=2 * MIB)
    assert engine.load(model, memory_limit=64 * MIB).memory["limit"] == 64 * MIB


def test_calls_that_do_not_fit():
    model = engine.load(chain(), memory_limit=2 * MIB, threads=1)
    small, large = np.zeros((16, 16), np.float32), np.zeros((2048, 1024), np.float32)
    np.testing.assert_allclose(model(small), np.full((16, 16), np.e), rtol=1e-5)
    for _ in range(3):
        with pytest.raises(MemoryError):
            model(large)
        np.testing.assert_allclose(model(small), np.full((16, 16), np.e), rtol=1e-5)
    assert model.memory["peak"] <= 2 * MIB


def test_growth_is_refused_while_running():
    """An output whose size the elements of an input decide."""
    shape = np.array([4, 4], np.int64)
    model = engine.load(one_node("ConstantOfShape", [shape]), memory_limit=MIB)
    assert model(shape).shape == (4, 4)
    with pytest.raises(engine.MemoryLimitExceeded):
        model(np.array([1 << 20, 1 << 20], np.int64))
    with pytest.raises(engine.EngineError):
        model(np.array([1 << 40, 1 << 40], np.int64))
    assert model(shape).shape == (4, 4)


def test_figures():
    model = engine.load(chain(np.ones((64, 64), np.float32)))
    memory = model.memory
    assert set(memory) == {"constants", "packed", "used", "peak", "limit"}
    assert memory["constants"] >= 64 * 64 * 4
    assert memory["limit"] == 0
    model(np.zeros((64, 64), np.float32))
    assert model.memory["peak"] >= memory["constants"]


def test_repeated_calls_do_not_grow():
    model = engine.load(chain(), threads=1)
    x = np.zeros((64, 64), np.float32)
    for _ in range(5):
        model(x)
    used = model.memory["used"]
    for _ in range(200):
        model(x)
    assert model.memory["used"] == used
