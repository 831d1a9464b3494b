"""Random trees of element-wise nodes: the fused program gives what the nodes give one by one."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper

UNARY = ["Relu", "Sigmoid", "Tanh", "Neg", "Abs", "Erf", "Exp", "Sqrt", "Softplus", "HardSwish", "Elu"]
BINARY = ["Add", "Sub", "Mul", "Div", "Min", "Max"]
COMPARE = ["Less", "Greater", "Equal", "GreaterOrEqual"]


def shape_of(rng, full):
    """A shape that broadcasts to `full`: whole, a scalar, a row, a channel, or any mix of ones."""
    kind = rng.integers(0, 5)
    if kind == 0:
        return list(full)
    if kind == 1:
        return []
    if kind == 2:
        return [full[-1]]
    return [d if rng.random() < 0.5 else 1 for d in full]


def random_model(seed, full, nodes):
    rng = np.random.default_rng(seed)
    feeds, inputs, made, values = {}, [], [], []
    for i in range(4):
        shape = list(full) if i == 0 else shape_of(rng, full)
        feeds[f"x{i}"] = rng.standard_normal(shape).astype(np.float32)
        inputs.append(helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, shape))
        values.append(f"x{i}")
    for i in range(nodes):
        name, pick = f"v{i}", rng.random()
        a = values[-1] if rng.random() < 0.7 else str(rng.choice(values))
        b = str(rng.choice(values))
        if pick < 0.35:
            made.append(helper.make_node(str(rng.choice(UNARY)), [a], [name]))
        elif pick < 0.8:
            made.append(helper.make_node(str(rng.choice(BINARY)), [a, b], [name]))
        elif pick < 0.9:
            made.append(helper.make_node(str(rng.choice(COMPARE)), [a, b], [name + "_c"]))
            made.append(helper.make_node("Where", [name + "_c", b, a], [name]))
        else:
            made.append(helper.make_node("LeakyRelu", [a], [name], alpha=0.3))
        values.append(name)
    made.append(helper.make_node("Add", [values[-1], "x0"], ["y"]))
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(made, "g", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString(), feeds


@pytest.mark.parametrize("full", [(7,), (3, 5), (2, 3, 4), (1, 1), (4, 1, 70), (2, 8, 16, 17), (1, 3000), (0, 5), (5, 40, 3), (300, 2, 2)])
@pytest.mark.parametrize("seed", range(12))
def test_fused_equals_separate(seed, full):
    model, feeds = random_model(seed, full, nodes=3 + seed)
    with np.errstate(all="ignore"):
        want = engine.load(model, optimize="off").run(feeds)["y"]
        for level in ("cheap", "all"):
            got = engine.load(model, optimize=level).run(feeds)["y"]
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5, equal_nan=True)


def test_a_chain_is_one_step():
    model, feeds = random_model(3, (4, 64), nodes=8)
    plan = engine.load(model).plan(feeds)
    assert "engine.FusedElementwise" in plan["text"]
    assert plan["steps"] < engine.load(model, optimize="off").plan(feeds)["steps"]


def test_threads_do_not_change_bits():
    model, feeds = random_model(5, (64, 40000), nodes=6)
    one = engine.load(model, threads=1).run(feeds)["y"]
    two = engine.load(model, threads=2).run(feeds)["y"]
    assert one.tobytes() == two.tobytes()
