"""Attention and RotaryEmbedding against numpy in float64, and the pass that finds attention in what exporters write."""

import engine
import ml_dtypes
import numpy as np
import onnx
import pytest
from harness import assert_close, one_node, run_node
from onnx import helper, numpy_helper


def softmax(x):
    with np.errstate(invalid="ignore"):
        e = np.exp(x - x.max(-1, keepdims=True))
        p = e / e.sum(-1, keepdims=True)
    return np.where(np.isneginf(x.max(-1, keepdims=True)), 0, p)


def twin(q, k, v, mask=None, scale=None, causal=False, softcap=0.0, offset=0, valid=None):
    heads = q.shape[1] // k.shape[1]
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    k, v = k.repeat(heads, 1), v.repeat(heads, 1)
    scores = q @ k.swapaxes(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if softcap:
        scores = np.tanh(scores / softcap) * softcap
    rows, keys = scores.shape[-2:]
    if mask is not None:
        mask = np.where(mask, 0, -np.inf) if mask.dtype == bool else mask.astype(np.float64)
        if mask.shape[-1] not in (1, keys):
            mask = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, keys - mask.shape[-1])], constant_values=-np.inf)
        scores = scores + mask
    if valid is not None:
        scores = np.where(np.arange(keys) < valid[:, None, None, None], scores, -np.inf)
        offset = (valid - rows)[:, None, None, None]
    if causal:
        scores = np.where(np.arange(keys) <= np.arange(rows)[:, None] + offset, scores, -np.inf)
    return softmax(scores) @ v


def operands(batch, heads, kv_heads, rows, keys, depth, value_depth, dtype=np.float32):
    rng = np.random.default_rng(1)
    shapes = [(batch, heads, rows, depth), (batch, kv_heads, keys, depth), (batch, kv_heads, keys, value_depth)]
    return [rng.standard_normal(s).astype(dtype) for s in shapes]


SIZES = [
    (1, 1, 1, 1, 1, 1, 1),
    (2, 3, 3, 5, 7, 8, 6),
    (1, 4, 2, 1, 37, 16, 16),
    (2, 6, 2, 33, 33, 20, 24),
    (1, 2, 1, 130, 300, 64, 64),
    (1, 1, 1, 20, 2100, 8, 8),
    (1, 2, 2, 0, 4, 8, 8),
    (0, 2, 2, 3, 4, 8, 8),
]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize("mask", ["none", "float", "bool", "row", "short"])
def test_forms(sizes, causal, mask):
    batch, heads, _, rows, keys, _, _ = sizes
    q, k, v = operands(*sizes)
    rng = np.random.default_rng(2)
    masks = {
        "none": None,
        "float": rng.standard_normal((batch, heads, rows, keys)).astype(np.float32),
        "bool": rng.random((batch, 1, rows, keys)) < 0.7,
        "row": np.where(rng.random(keys) < 0.7, 0, -np.inf).astype(np.float32),
        "short": rng.random((rows, max(keys - 2, 1))) < 0.9,
    }
    m = masks[mask]
    [got] = run_node("Attention", [q, k, v, m], {"is_causal": causal}, opset=24)
    assert_close(got, twin(q, k, v, m, causal=causal).astype(np.float32), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("outputs", [1, 3])
def test_past_and_present(dtype, outputs):
    q, k, v = operands(2, 4, 2, 3, 5, 8, 6, dtype)
    rng = np.random.default_rng(3)
    pk, pv = rng.standard_normal((2, 2, 4, 8)).astype(dtype), rng.standard_normal((2, 2, 4, 6)).astype(dtype)
    got = run_node("Attention", [q, k, v, None, pk, pv], {"is_causal": 1}, opset=24, n_outputs=outputs)
    whole_k, whole_v = np.concatenate([pk, k], 2), np.concatenate([pv, v], 2)
    tolerance = {2: 2e-3, 4: 1e-5}[np.dtype(dtype).itemsize] * (8 if dtype is ml_dtypes.bfloat16 else 1)
    want = twin(q, whole_k, whole_v, causal=True, offset=4)
    np.testing.assert_allclose(got[0].astype(np.float64), want, rtol=tolerance, atol=tolerance)
    if outputs == 3:
        assert got[1].tobytes() == whole_k.tobytes()
        assert got[2].tobytes() == whole_v.tobytes()


def test_flat_inputs_and_scores():
    q, k, v = operands(2, 4, 2, 3, 5, 8, 6)
    flat = [x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1) for x in (q, k, v)]
    attrs = {"q_num_heads": 4, "kv_num_heads": 2, "scale": 0.3, "softcap": 2.0}
    for mode in range(4):
        got = run_node("Attention", flat, {**attrs, "qk_matmul_output_mode": mode}, opset=24, n_outputs=4)
        want = twin(q, k, v, scale=0.3, softcap=2.0).transpose(0, 2, 1, 3).reshape(2, 3, -1)
        assert_close(got[0], want.astype(np.float32), rtol=1e-4, atol=1e-5)
        scores = q.astype(np.float64) @ k.repeat(2, 1).swapaxes(-1, -2) * 0.3
        capped = np.tanh(scores / 2) * 2
        shown = [scores, capped, capped, softmax(capped)][mode]
        assert_close(got[3], shown.astype(np.float32), rtol=1e-4, atol=1e-5)


def test_valid_keys():
    q, k, v = operands(3, 2, 2, 4, 9, 8, 8)
    valid = np.array([9, 4, 2], np.int64)
    [got] = run_node("Attention", [q, k, v, None, None, None, valid], {"is_causal": 1}, opset=24)
    assert_close(got, twin(q, k, v, causal=True, valid=valid).astype(np.float32), rtol=1e-4, atol=1e-5)


def test_threads_do_not_change_bits():
    q, k, v = operands(1, 3, 3, 200, 190, 32, 32)
    answers = [run_node("Attention", [q, k, v], {"is_causal": 1}, opset=24, threads=t)[0].tobytes() for t in (1, 2, 3)]
    assert answers[0] == answers[1] == answers[2]


def test_refusals():
    q, k, v = operands(2, 4, 2, 3, 5, 8, 6)
    with pytest.raises(engine.InvalidModel, match="do not fit"):
        engine.load(one_node("Attention", [q, k[:, :, :, :7], v], opset=24, dynamic=False))
    with pytest.raises(engine.InvalidModel, match="does not broadcast"):
        engine.load(one_node("Attention", [q, k, v, np.ones((2, 5), np.float32)], opset=24, dynamic=False))


N = helper.make_node


def spelled_out(scale_at, with_mask, guard, repeats, transpose_out):
    """Attention as exporters write it, over [batch, rows, heads * depth] projections."""
    kv = 4 // repeats
    nodes = [
        N("Reshape", ["q", "q4"], ["qr"]),
        N("Transpose", ["qr"], ["qt"], perm=[0, 2, 1, 3]),
        N("Reshape", ["k", "kv4"], ["kr"]),
        N("Reshape", ["v", "kv4"], ["vr"]),
        N("Transpose", ["vr"], ["v0"], perm=[0, 2, 1, 3]),
    ]
    if repeats > 1:
        nodes += [N("Transpose", ["kr"], ["k0"], perm=[0, 2, 1, 3])]
        for x in "kv":
            nodes += [
                N("Unsqueeze", [f"{x}0", "two"], [f"{x}1"]),
                N("Expand", [f"{x}1", "repeated"], [f"{x}2"]),
                N("Reshape", [f"{x}2", "merged"], [f"{x}3"]),
            ]
        nodes += [
            N("Reshape", ["k3", "stacked"], ["k5"]),
            N("Transpose", ["k5"], ["k6"], perm=[0, 2, 1]),
            N("Reshape", ["k6", "unstacked"], ["kt"]),
        ]
    else:
        nodes += [N("Transpose", ["kr"], ["kt"], perm=[0, 2, 3, 1]), N("Identity", ["v0"], ["v3"])]
    left, right = "qt", "kt"
    if scale_at == "operands":
        nodes += [N("Mul", ["qt", "root"], ["qm"]), N("Mul", ["kt", "root"], ["km"])]
        left, right = "qm", "km"
    nodes.append(N("MatMul", [left, right], ["s"]))
    scores = "s"
    if scale_at == "scores":
        nodes.append(N("Div", ["s", "divisor"], ["sd"]))
        scores = "sd"
    if with_mask:
        nodes.append(N("Add", [scores, "mask"], ["sm"]))
        scores = "sm"
    nodes.append(N("Softmax", [scores], ["p"], axis=-1))
    p = "p"
    if guard:
        nodes += [N("IsNaN", ["p"], ["nan"]), N("Where", ["nan", "zero", "p"], ["pw"])]
        p = "pw"
    nodes.append(N("MatMul", [p, "v3"], ["o"]))
    nodes.append(N("Transpose", ["o"], ["ot"], perm=[0, 2, 1, 3]) if transpose_out else N("Identity", ["o"], ["ot"]))
    nodes.append(N("Identity", ["ot"], ["y"]))
    shapes = {
        "q4": [2, 6, 4, 8], "kv4": [2, 9, kv, 8], "two": [2], "repeated": [2, kv, repeats, 9, 8], "merged": [2, 4, 9, 8],
        "stacked": [8, 9, 8], "unstacked": [2, 4, 8, 9],
    }  # fmt: skip
    constants = [numpy_helper.from_array(np.array(v, np.int64), k) for k, v in shapes.items()]
    floats = {"root": 8**-0.25, "divisor": 8**0.5, "zero": 0.0}
    constants += [numpy_helper.from_array(np.array(v, np.float32), k) for k, v in floats.items()]
    inputs = {"q": (2, 6, 32), "k": (2, 9, kv * 8), "v": (2, 9, kv * 8)} | ({"mask": (2, 1, 6, 9)} if with_mask else {})
    infos = [helper.make_tensor_value_info(k, 1, s) for k, s in inputs.items()]
    graph = helper.make_graph(nodes, "attention", infos, [onnx.ValueInfoProto(name="y")], constants)
    rng = np.random.default_rng(4)
    feeds = {k: rng.standard_normal(s).astype(np.float32) for k, s in inputs.items()}
    if with_mask:
        feeds["mask"] = np.where(rng.random(inputs["mask"]) < 0.3, -np.inf, feeds["mask"]).astype(np.float32)
        if guard:
            feeds["mask"][0, 0, 2] = -np.inf
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString(), feeds


@pytest.mark.parametrize("scale_at", ["none", "operands", "scores"])
@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize("transpose_out", [False, True])
def test_spelled_out_attention(scale_at, with_mask, guard, repeats, transpose_out):
    blob, feeds = spelled_out(scale_at, with_mask, guard, repeats, transpose_out)
    fused = engine.load(blob, optimize="all").run(feeds)["y"]
    plain = engine.load(blob, optimize="off").run(feeds)["y"]
    assert_close(fused, plain, rtol=1e-4, atol=1e-5)


def rotate(x, cosines, sines, interleaved, rotary):
    x = x.astype(np.float64)
    r = x[..., :rotary]
    a, b = (r[..., 0::2], r[..., 1::2]) if interleaved else np.split(r, 2, -1)
    real, imaginary = cosines * a - sines * b, sines * a + cosines * b
    turned = np.stack([real, imaginary], -1).reshape(r.shape) if interleaved else np.concatenate([real, imaginary], -1)
    return np.concatenate([turned, x[..., rotary:]], -1)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("rotary", [0, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("microsoft", [False, True])
def test_rotary_embedding(interleaved, rotary, dtype, microsoft):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, 3, 5, 8)).astype(dtype)
    half = (rotary or 8) // 2
    cosines, sines = rng.standard_normal((11, half)).astype(dtype), rng.standard_normal((11, half)).astype(dtype)
    positions = rng.integers(0, 11, (2, 5))
    inputs = [x, positions, cosines, sines] if microsoft else [x, cosines, sines, positions]
    attrs = {"interleaved": interleaved, "rotary_embedding_dim": rotary, "num_heads": 3}
    options = {"opset": 1, "domain": "com.microsoft"} if microsoft else {"opset": 23}
    [got] = run_node("RotaryEmbedding", inputs, attrs, **options)
    c, s = cosines[positions][:, None].astype(np.float64), sines[positions][:, None].astype(np.float64)
    want = rotate(x, c, s, interleaved, rotary or 8)
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=1e-5 if dtype is np.float32 else 2e-3, atol=1e-3 if dtype is np.float16 else 1e-6)
    bad = positions.copy()
    bad[1, 2] = 11
    inputs[1 if microsoft else 3] = bad
    with pytest.raises(engine.InvalidInput, match="out of range"):
        run_node("RotaryEmbedding", inputs, attrs, **options)
