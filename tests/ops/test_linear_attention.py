"""LinearAttention and CausalConvWithState against numpy in float64."""

import engine
import numpy as np
import pytest
from harness import assert_close, one_node, run_node


def twin(q, k, v, heads, kv_heads, state, decay, beta, scale):
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    batch, time, _ = q.shape
    q, k, v = q.reshape(batch, time, heads, -1), k.reshape(batch, time, kv_heads, -1), v.reshape(batch, time, kv_heads, -1)
    s = np.zeros((batch, kv_heads, k.shape[-1], v.shape[-1])) if state is None else state.astype(np.float64)
    out = np.zeros((batch, time, heads, v.shape[-1]))
    for t in range(time):
        if decay is not None:
            s = s * np.exp(decay[:, t].astype(np.float64).reshape(batch, kv_heads, -1, 1))
        fresh = v[:, t]
        if beta is not None:
            fresh = beta[:, t].astype(np.float64)[..., None] * (fresh - np.einsum("bhdm,bhd->bhm", s, k[:, t]))
        s = s + k[:, t][..., None] * fresh[..., None, :]
        out[:, t] = scale * np.einsum("bhd,bhdm->bhm", q[:, t], s.repeat(heads // kv_heads, 1))
    return out.reshape(batch, time, -1), s


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@pytest.mark.parametrize("heads", [(1, 1), (4, 2)])
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("wide", [False, True])
def test_linear_attention(rule, heads, with_state, wide):
    rng = np.random.default_rng(1)
    hq, hk = heads
    q, k, v = (rng.standard_normal((2, 9, n)).astype(np.float32) * 0.5 for n in (hq * 6, hk * 6, hk * 5))
    state = rng.standard_normal((2, hk, 6, 5)).astype(np.float32) if with_state else None
    decay = -rng.random((2, 9, hk * 6 if wide else hk)).astype(np.float32) if "gated" in rule else None
    beta = rng.random((2, 9, 1 if wide else hk)).astype(np.float32) if "delta" in rule else None
    attrs = {"q_num_heads": hq, "kv_num_heads": hk, "update_rule": rule, "scale": 0.7}
    got = run_node("LinearAttention", [q, k, v, state, decay, beta], attrs, opset=27, n_outputs=2)
    for g, w in zip(got, twin(q, k, v, hq, hk, state, decay, beta, 0.7), strict=True):
        assert_close(g, w.astype(np.float32), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["none", "silu", "swish"])
@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("time", [0, 1, 3, 50])
@pytest.mark.parametrize("full", [False, True])
def test_causal_conv(activation, width, time, full):
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal((2, 3, time)).astype(np.float32), rng.standard_normal((3, 1, width)).astype(np.float32)
    bias, past = rng.standard_normal(3).astype(np.float32), rng.standard_normal((2, 3, width - 1)).astype(np.float32)
    inputs = [x, w, bias, past] if full else [x, w]
    got = run_node("CausalConvWithState", inputs, {"activation": activation}, opset=27, n_outputs=2)
    padded = np.concatenate([past if full else 0 * past, x], 2).astype(np.float64)
    y = np.array([[[padded[b, c, t : t + width] @ w[c, 0] for t in range(time)] for c in range(3)] for b in range(2)]).reshape(2, 3, time)
    y = y + bias[:, None] if full else y
    y = y if activation == "none" else y / (1 + np.exp(-y))
    assert_close(got[0], y.astype(np.float32), rtol=1e-4, atol=1e-5)
    assert_close(got[1], padded[:, :, time:].astype(np.float32))


def test_refusals():
    q = np.zeros((1, 2, 4), np.float32)
    attrs = {"q_num_heads": 1, "kv_num_heads": 1, "update_rule": "gated"}
    with pytest.raises(engine.InvalidModel, match="decay"):
        engine.load(one_node("LinearAttention", [q, q, q], attrs, opset=27, n_outputs=2, dynamic=False))
    x, w = np.zeros((1, 3, 4), np.float32), np.zeros((2, 1, 2), np.float32)
    with pytest.raises(engine.InvalidModel, match="does not fit"):
        engine.load(one_node("CausalConvWithState", [x, w], opset=27, n_outputs=2, dynamic=False))
