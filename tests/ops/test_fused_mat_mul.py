"""Products with what surrounds them: the fused form and the passes that make it, against numpy."""

import engine
import numpy as np
import onnx
import pytest
from harness import assert_close, run_node
from onnx import helper, numpy_helper


def graph_model(nodes, feeds, constants, opset=20, outputs=("y",)):
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info(k, 1, v.shape) for k, v in feeds.items()],
        [onnx.ValueInfoProto(name=y) for y in outputs],
        [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def both_levels(nodes, feeds, constants, outputs=("y",)):
    """Answers with and without rewriting agree; returns the rewritten one's."""
    blob = graph_model(nodes, feeds, constants, outputs=outputs)
    fused = engine.load(blob, optimize="all").run(feeds)
    plain = engine.load(blob, optimize="off").run(feeds)
    for name in outputs:
        assert_close(fused[name], plain[name], rtol=1e-4, atol=1e-5)
    return fused


N = helper.make_node
RNG = np.random.default_rng(5)
X = RNG.standard_normal((2, 7, 33)).astype(np.float32)
W = RNG.standard_normal((33, 70)).astype(np.float32)
BIAS = RNG.standard_normal((70,)).astype(np.float32)
OTHER = RNG.standard_normal((2, 7, 70)).astype(np.float32)

ACTIVATIONS = {
    "relu": [N("Relu", ["s"], ["y"])],
    "sigmoid": [N("Sigmoid", ["s"], ["y"])],
    "tanh": [N("Tanh", ["s"], ["y"])],
    "leaky": [N("LeakyRelu", ["s"], ["y"], alpha=0.3)],
    "hard_sigmoid": [N("HardSigmoid", ["s"], ["y"], alpha=0.1, beta=0.4)],
    "hard_swish": [N("HardSwish", ["s"], ["y"])],
    "gelu": [N("Gelu", ["s"], ["y"])],
    "gelu_tanh": [N("Gelu", ["s"], ["y"], approximate="tanh")],
    "clip": [N("Clip", ["s", "low", "high"], ["y"])],
    "silu": [N("Sigmoid", ["s"], ["g"]), N("Mul", ["g", "s"], ["y"])],
    "none": [N("Identity", ["s"], ["y"])],
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("residual", [False, True])
def test_bias_residual_activation(name, residual):
    nodes = [N("MatMul", ["x", "w"], ["p"]), N("Add", ["bias", "p"], ["r" if residual else "s"])]
    feeds = {"x": X}
    if residual:
        nodes.append(N("Add", ["other", "r"], ["s"]))
        feeds["other"] = OTHER
    constants = {"w": W, "bias": BIAS, "low": -0.5, "high": 0.75}
    both_levels(nodes + ACTIVATIONS[name], feeds, constants)


def test_values_that_are_outputs_stay():
    nodes = [N("MatMul", ["x", "w"], ["p"]), N("Add", ["p", "bias"], ["s"]), N("Relu", ["s"], ["y"])]
    both_levels(nodes, {"x": X}, {"w": W, "bias": BIAS}, outputs=("p", "s", "y"))


def test_a_value_used_twice_stays():
    nodes = [
        N("MatMul", ["x", "w"], ["p"]),
        N("Add", ["p", "bias"], ["s"]),
        N("Relu", ["s"], ["a"]),
        N("Add", ["s", "p"], ["b"]),
        N("Add", ["a", "b"], ["y"]),
    ]
    both_levels(nodes, {"x": X}, {"w": W, "bias": BIAS})


def test_gemm_forms():
    x = X[0]
    for trans_a, trans_b in [(0, 0), (1, 0), (0, 1), (1, 1)]:
        feeds = {"x": np.ascontiguousarray(x.T) if trans_a else x}
        weights = {"w": W.T if trans_b else W, "bias": BIAS}
        gemm = N("Gemm", ["x", "w", "bias"], ["s"], transA=trans_a, transB=trans_b, alpha=0.5)
        both_levels([gemm, N("Relu", ["s"], ["y"])], feeds, weights)


@pytest.mark.parametrize("q_perm", [[0, 2, 1, 3], [2, 0, 1, 3], [0, 2, 3, 1]])
def test_transposes_and_factors(q_perm):
    rng = np.random.default_rng(6)
    inverse = np.argsort(q_perm)
    q = np.ascontiguousarray(rng.standard_normal((2, 3, 5, 8)).astype(np.float32).transpose(inverse))
    k = rng.standard_normal((2, 9, 3, 8)).astype(np.float32)
    nodes = [
        N("Transpose", ["q"], ["qt"], perm=q_perm),
        N("Transpose", ["k"], ["kt"], perm=[0, 2, 3, 1]),
        N("Mul", ["qt", "scale"], ["qs"]),
        N("Div", ["kt", "divisor"], ["ks"]),
        N("MatMul", ["qs", "ks"], ["p"]),
        N("Mul", ["p", "scale"], ["y"]),
    ]
    got = both_levels(nodes, {"q": q, "k": k}, {"scale": 0.25, "divisor": 3.0})
    want = q.transpose(q_perm).astype(np.float64) @ k.transpose(0, 2, 3, 1) * (0.25 * 0.25 / 3)
    assert_close(got["y"], want.astype(np.float32), rtol=1e-4, atol=1e-5)


def microsoft_twin(a, b, alpha, trans_a, trans_b, batch_a, batch_b):
    def turn(x, trans, batch):
        if batch:
            x = np.moveaxis(x, 0, -2)
        return np.swapaxes(x, -1, -2) if trans else x

    return alpha * (turn(a, trans_a, batch_a) @ turn(b, trans_b, batch_b))


@pytest.mark.parametrize("flags", [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0), (0, 0, 1, 1), (0, 1, 1, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_microsoft_fused_mat_mul(flags, dtype):
    trans_a, trans_b, batch_a, batch_b = flags
    rng = np.random.default_rng(11)

    def shape(rows, cols, trans, batch):
        last = (cols, rows) if trans else (rows, cols)
        return (last[0], 4, 3, last[1]) if batch else (4, 3, *last)

    a = rng.standard_normal(shape(5, 6, trans_a, batch_a)).astype(dtype)
    b = rng.standard_normal(shape(6, 7, trans_b, batch_b)).astype(dtype)
    attrs = {"transA": trans_a, "transB": trans_b, "transBatchA": batch_a, "transBatchB": batch_b, "alpha": 0.5}
    [got] = run_node("FusedMatMul", [a, b], attrs, opset=1, domain="com.microsoft")
    want = microsoft_twin(a.astype(np.float64), b.astype(np.float64), 0.5, *flags)
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=2e-3 if dtype is np.float16 else 1e-5, atol=1e-3)
    assert got.dtype == dtype


def test_microsoft_fused_gemm():
    rng = np.random.default_rng(12)
    a, b = rng.standard_normal((5, 6)).astype(np.float32), rng.standard_normal((7, 6)).astype(np.float32)
    c = rng.standard_normal((7,)).astype(np.float32)
    attrs = {"transB": 1, "activation": "LeakyRelu", "activation_alpha": 0.1}
    [got] = run_node("FusedGemm", [a, b, c], attrs, opset=1, domain="com.microsoft")
    s = a @ b.T + c
    assert_close(got, np.where(s < 0, np.float32(0.1) * s, s), rtol=1e-5, atol=1e-5)
