"""Normalisations and activations that are spelled out become one node, and give the same numbers."""

import itertools

import engine
import numpy as np
import onnx
import pytest
from engine import _testing
from onnx import TensorProto, helper

SHAPE = [2, 5, 24]


class Graph:
    """Builds a model of float32 nodes from `x`."""

    def __init__(self, opset=17, shape=SHAPE):
        self.nodes, self.constants, self.opset, self.shape = [], [], opset, shape

    def constant(self, value):
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(value, np.float32), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def indices(self, value):
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(value, np.int64), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def __call__(self, op, *inputs, **attrs):
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(op, names, [f"v{len(self.nodes)}"], **attrs))
        return self.nodes[-1].output[0]

    def mean(self, v, axes=(-1,)):
        if self.opset < 18:
            return self("ReduceMean", v, axes=list(axes))
        return self("ReduceMean", v, self.indices(axes))

    def model(self, *results):
        graph = helper.make_graph(
            self.nodes,
            "fuse",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [onnx.ValueInfoProto(name=r) for r in results],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)


def operators(model, tmp_path, plan=True):
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    return _testing.optimized_operators(str(path), plan=plan)


def check(model, tmp_path, want, tolerance=2e-5):
    """Fuses to exactly the operators `want`, and computes the same as without passes."""
    assert sorted(operators(model, tmp_path)) == sorted(want)
    same_numbers(model, tolerance)


def same_numbers(model, tolerance=2e-5):
    x = (np.random.default_rng(0).standard_normal(SHAPE) * 3).astype(np.float32)
    off, on = (list(engine.load(model.SerializeToString(), optimize=o).run({"x": x}).values()) for o in ("off", "all"))
    for a, b in zip(off, on, strict=True):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)



@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("divide", [True, False])
def test_gelu_in_any_order(tmp_path, order, which, divide):
    g = Graph()
    u = g("Div", "x", np.sqrt(2)) if divide else g("Mul", np.sqrt(0.5), "x")
    gate = g("Add", g("Erf", u), 1.0)
    factors = ["x", 0.5, gate]
    a, b, c = (factors[i] for i in order)
    ways = [lambda: g("Mul", g("Mul", a, b), c), lambda: g("Mul", a, g("Mul", c, b)), lambda: g("Mul", g("Mul", c, a), b)]
    check(g.model(ways[which]()), tmp_path, ["Gelu"])


@pytest.mark.parametrize("cube", ["pow", "mul"])
@pytest.mark.parametrize("half_first", [True, False])
def test_gelu_by_tanh(tmp_path, cube, half_first):
    g = Graph()
    third = g("Pow", "x", 3.0) if cube == "pow" else g("Mul", g("Mul", "x", "x"), "x")
    u = g("Mul", g("Add", "x", g("Mul", third, 0.044715)), np.sqrt(2 / np.pi))
    gate = g("Add", g("Tanh", u), 1.0)
    out = g("Mul", g("Mul", "x", 0.5), gate) if half_first else g("Mul", g("Mul", "x", gate), 0.5)
    check(g.model(out), tmp_path, ["Gelu"])


def test_gelu_by_tanh_with_x_before_the_brackets(tmp_path):
    g = Graph()
    square = g("Mul", g("Mul", "x", 0.044715), "x")
    u = g("Mul", g("Mul", "x", np.sqrt(2 / np.pi)), g("Add", square, 1.0))
    check(g.model(g("Mul", g("Mul", "x", 0.5), g("Add", 1.0, g("Tanh", u)))), tmp_path, ["Gelu"])


@pytest.mark.parametrize("half, root, one", [(0.51, 2, 1), (0.5, 2.1, 1), (0.5, 2, 1.1)])
def test_what_is_no_gelu_stays(tmp_path, half, root, one):
    g = Graph()
    gate = g("Add", g("Erf", g("Div", "x", np.sqrt(root))), one)
    model = g.model(g("Mul", g("Mul", "x", gate), half))
    assert "Gelu" not in operators(model, tmp_path)
    same_numbers(model)


def test_a_gate_used_elsewhere_stays(tmp_path):
    g = Graph()
    gate = g("Add", g("Erf", g("Div", "x", np.sqrt(2))), 1.0)
    model = g.model(g("Mul", g("Mul", "x", gate), 0.5), gate)
    assert "Gelu" not in operators(model, tmp_path)
    same_numbers(model)


def test_swish(tmp_path):
    for alpha in (1.0, 1.702):
        g = Graph()
        u = "x" if alpha == 1 else g("Mul", "x", alpha)
        check(g.model(g("Mul", g("Sigmoid", u), "x")), tmp_path, ["Swish"])


def test_hard_swish(tmp_path):
    g = Graph()
    check(g.model(g("Mul", "x", g("HardSigmoid", "x", alpha=1 / 6, beta=0.5))), tmp_path, ["HardSwish"])
    for multiply in (True, False):
        g = Graph()
        p = g("Mul", "x", g("Clip", g("Add", "x", 3.0), 0.0, 6.0))
        check(g.model(g("Mul", p, 1 / 6) if multiply else g("Div", p, 6.0)), tmp_path, ["HardSwish"])
    g = Graph()
    model = g.model(g("Mul", "x", g("HardSigmoid", "x", alpha=0.2, beta=0.5)))
    assert "HardSwish" not in operators(model, tmp_path)


def row(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape or (SHAPE[-1],))


@pytest.mark.parametrize("opset", [13, 17, 18])
@pytest.mark.parametrize("square", ["Pow", "Mul"])
@pytest.mark.parametrize("root", ["sqrt", "reciprocal", "one over", "power"])
@pytest.mark.parametrize("parts", ["scale and bias", "scale", "nothing"])
def test_layer_norm(tmp_path, opset, square, root, parts):
    g = Graph(opset)
    d = g("Sub", "x", g.mean("x"))
    s = g("Pow", d, 2.0) if square == "Pow" else g("Mul", d, d)
    e = g("Add", g.mean(s), 1e-5)
    y = {
        "sqrt": lambda: g("Div", d, g("Sqrt", e)),
        "reciprocal": lambda: g("Mul", g("Reciprocal", g("Sqrt", e)), d),
        "one over": lambda: g("Mul", d, g("Div", 1.0, g("Sqrt", e))),
        "power": lambda: g("Mul", d, g("Pow", e, -0.5)),
    }[root]()
    if "scale" in parts:
        y = g("Mul", row(1), y)
    if "bias" in parts:
        y = g("Add", y, row(2))
    check(g.model(y), tmp_path, ["LayerNormalization"])


def test_layer_norm_over_two_axes(tmp_path):
    g = Graph()
    d = g("Sub", "x", g.mean("x", (1, 2)))
    y = g("Div", d, g("Sqrt", g("Add", g.mean(g("Mul", d, d), (1, 2)), 1e-5)))
    check(g.model(g("Add", g("Mul", y, row(1, 5, 24)), row(2))), tmp_path, ["LayerNormalization"])


@pytest.mark.parametrize("axes", [((1,), (1,)), ((0, 2), (0, 2)), ((-1,), (1, 2))])
def test_other_axes_stay(tmp_path, axes):
    g = Graph()
    d = g("Sub", "x", g.mean("x", axes[0]))
    model = g.model(g("Div", d, g("Sqrt", g("Add", g.mean(g("Mul", d, d), axes[1]), 1e-5))))
    assert "LayerNormalization" not in operators(model, tmp_path)
    same_numbers(model)


def test_scale_of_another_shape_is_not_the_norms(tmp_path):
    g = Graph()
    d = g("Sub", "x", g.mean("x"))
    y = g("Div", d, g("Sqrt", g("Add", g.mean(g("Mul", d, d)), 1e-5)))
    model = g.model(g("Mul", y, row(1, 5, 1)))
    assert operators(model, tmp_path)[0] == "LayerNormalization"
    same_numbers(model)


@pytest.mark.parametrize("root", ["sqrt", "reciprocal"])
@pytest.mark.parametrize("scaled", [True, False])
def test_rms_norm(tmp_path, root, scaled):
    g = Graph(20)
    e = g("Add", g.mean(g("Pow", "x", 2.0)), 1e-6)
    y = g("Div", "x", g("Sqrt", e)) if root == "sqrt" else g("Mul", "x", g("Reciprocal", g("Sqrt", e)))
    check(g.model(g("Mul", row(3), y) if scaled else y), tmp_path, ["RMSNormalization"])


@pytest.mark.parametrize("sum_used", [True, False])
def test_a_sum_that_is_normalised(tmp_path, sum_used):
    g = Graph(17)
    total = g("Add", "x", g("Transpose", g("Transpose", g("Exp", g("Neg", "x")), perm=[1, 0, 2]), perm=[1, 0, 2]))
    y = g("LayerNormalization", total, row(1), row(2), axis=-1)
    model = g.model(y, total) if sum_used else g.model(y)
    assert "com.microsoft.SkipLayerNormalization" in operators(model, tmp_path)
    same_numbers(model)
