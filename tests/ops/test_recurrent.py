"""LSTM, GRU and RNN against a plain numpy walk over time, in float64."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import one_node, run_node

FUNCTIONS = {
    "Sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Relu": lambda x, a, b: np.maximum(x, 0),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x < 0, a * x, x),
    "ThresholdedRelu": lambda x, a, b: np.where(x > a, x, 0),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "Elu": lambda x, a, b: np.where(x < 0, a * (np.exp(x) - 1), x),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "Softplus": lambda x, a, b: np.log1p(np.exp(x)),
}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}


class Twin:
    def __init__(self, op, attrs):
        self.op, self.attrs = op, attrs
        names = attrs.get("activations", DEFAULTS[op] * 2)
        alphas, betas = list(attrs.get("activation_alpha", [])), list(attrs.get("activation_beta", []))
        self.functions = []
        for name in names:
            a = alphas.pop(0) if name in ("Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu") else 0
            b = betas.pop(0) if name in ("Affine", "ScaledTanh", "HardSigmoid") else 0
            self.functions.append(lambda x, f=FUNCTIONS[name], a=a, b=b: f(x, a, b))

    def clip(self, x):
        limit = self.attrs.get("clip", 0)
        return np.clip(x, -limit, limit) if limit else x

    def step(self, x, h, c, w, r, wb, rb, p, f):
        if self.op == "RNN":
            return f[0](self.clip(x @ w.T + h @ r.T + wb + rb)), c
        if self.op == "GRU":
            wz, wr, wh = np.split(w, 3)
            rz, rr, rh = np.split(r, 3)
            bz, br, bh = np.split(wb, 3)
            cz, cr, ch = np.split(rb, 3)
            z = f[0](self.clip(x @ wz.T + h @ rz.T + bz + cz))
            reset = f[0](self.clip(x @ wr.T + h @ rr.T + br + cr))
            if self.attrs.get("linear_before_reset"):
                hidden = f[1](self.clip(x @ wh.T + reset * (h @ rh.T + ch) + bh))
            else:
                hidden = f[1](self.clip(x @ wh.T + (reset * h) @ rh.T + bh + ch))
            return (1 - z) * hidden + z * h, c
        i, o, forget, fresh = np.split(x @ w.T + h @ r.T + wb + rb, 4, axis=-1)
        pi, po, pf = np.split(p, 3)
        i = f[0](self.clip(i + pi * c))
        forget = 1 - i if self.attrs.get("input_forget") else f[0](self.clip(forget + pf * c))
        c = forget * c + i * f[1](self.clip(fresh))
        return f[0](self.clip(o + po * c)) * f[2](c), c

    def __call__(self, x, w, r, b=None, lengths=None, h0=None, c0=None, p=None):
        layout = self.attrs.get("layout", 0)
        if layout:
            x, h0, c0 = (None if v is None else np.swapaxes(v, 0, 1) for v in (x, h0, c0))
        time, batch, _ = x.shape
        directions, hidden = w.shape[0], r.shape[2]
        y = np.zeros((time, directions, batch, hidden))
        hs, cs = np.zeros((directions, batch, hidden)), np.zeros((directions, batch, hidden))
        each = len(self.functions) // 2 if len(self.functions) > len(DEFAULTS[self.op]) else len(self.functions)
        for d in range(directions):
            functions = self.functions[d * each : (d + 1) * each] or self.functions[:each]
            wb, rb = np.split(b[d], 2) if b is not None else (0 * w[d, :, 0], 0 * w[d, :, 0])
            peep = p[d] if p is not None else np.zeros(3 * hidden)
            backwards = d == 1 or self.attrs.get("direction") == "reverse"
            for k in range(batch):
                h = h0[d, k] if h0 is not None else np.zeros(hidden)
                c = c0[d, k] if c0 is not None else np.zeros(hidden)
                n = time if lengths is None else lengths[k]
                for t in reversed(range(n)) if backwards else range(n):
                    h, c = self.step(x[t, k], h, c, w[d], r[d], wb, rb, peep, functions)
                    y[t, d, k] = h
                hs[d, k], cs[d, k] = h, c
        if layout:
            y, hs, cs = y.transpose(2, 0, 1, 3), hs.swapaxes(0, 1), cs.swapaxes(0, 1)
        return [y, hs, cs][: 3 if self.op == "LSTM" else 2]


def case(op, attrs, time, batch, inputs, hidden, lengths=None, full=True, dtype=np.float32):
    rng = np.random.default_rng(hash((op, time, batch, hidden)) % 2**32)
    directions, gates = 2 if attrs.get("direction") == "bidirectional" else 1, GATES[op]

    def draw(*shape):
        return (rng.standard_normal(shape) * 0.2).astype(dtype)

    state = (batch, directions, hidden) if attrs.get("layout") else (directions, batch, hidden)
    x = draw(batch, time, inputs) if attrs.get("layout") else draw(time, batch, inputs)
    values = [x, draw(directions, gates * hidden, inputs), draw(directions, gates * hidden, hidden)]
    if full:
        values += [draw(directions, 2 * gates * hidden), lengths, draw(*state)]
        if op == "LSTM":
            values += [draw(*state), draw(directions, 3 * hidden)]
    return values


def check(op, attrs, values, rtol=1e-3, atol=2e-5, **options):
    want = Twin(op, attrs)(*[v if v is None or v.dtype.kind == "i" else v.astype(np.float64) for v in values])
    got = run_node(op, values, attrs, opset=22, n_outputs=len(want), **options)
    for g, w in zip(got, want, strict=True):
        assert g.dtype == values[0].dtype
        assert g.shape == w.shape
        np.testing.assert_allclose(g.astype(np.float64), w, rtol=rtol, atol=atol)
    return got


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (5, 3, 7, 9), (12, 2, 33, 70)])
def test_directions_and_layouts(op, direction, layout, sizes):
    attrs = {"hidden_size": sizes[3], "direction": direction, "layout": layout}
    lengths = np.array([(3 * i + 1) % (sizes[0] + 1) for i in range(sizes[1])], np.int32)
    check(op, attrs, case(op, attrs, *sizes, lengths=lengths))
    check(op, attrs, case(op, attrs, *sizes, full=False), constants=(1, 2))


@pytest.mark.parametrize("linear", [0, 1])
@pytest.mark.parametrize("clip", [0.0, 0.3])
def test_gru_forms(linear, clip):
    attrs = {"hidden_size": 20, "direction": "bidirectional", "linear_before_reset": linear}
    if clip:
        attrs["clip"] = clip
    check("GRU", attrs, case("GRU", attrs, 6, 2, 11, 20), constants=(1, 2, 3))


@pytest.mark.parametrize("couple", [0, 1])
@pytest.mark.parametrize("clip", [0.0, 0.3])
def test_lstm_forms(couple, clip):
    attrs = {"hidden_size": 20, "input_forget": couple}
    if clip:
        attrs["clip"] = clip
    check("LSTM", attrs, case("LSTM", attrs, 6, 2, 11, 20), constants=(1, 2, 3))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations(name):
    attrs = {"hidden_size": 9, "activations": [name], "activation_alpha": [0.7], "activation_beta": [0.4]}
    check("RNN", attrs, case("RNN", attrs, 4, 2, 5, 9))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("op", GATES)
def test_halves(op, dtype):
    attrs = {"hidden_size": 9, "direction": "bidirectional"}
    tolerance = 2e-3 if dtype is np.float16 else 2e-2
    check(op, attrs, case(op, attrs, 4, 2, 5, 9, dtype=dtype), rtol=tolerance, atol=tolerance)


def test_no_steps_and_no_rows():
    attrs = {"hidden_size": 4}
    for time, batch in [(0, 2), (3, 0)]:
        check("LSTM", attrs, case("LSTM", attrs, time, batch, 3, 4))


def test_threads_do_not_change_bits():
    attrs = {"hidden_size": 128, "direction": "bidirectional"}
    values = case("LSTM", attrs, 20, 3, 64, 128)
    answers = [b"".join(y.tobytes() for y in run_node("LSTM", values, attrs, opset=22, n_outputs=3, threads=t)) for t in (1, 2, 3)]
    assert answers[0] == answers[1] == answers[2]


def test_refusals():
    attrs = {"hidden_size": 4}
    x, w, r = case("GRU", attrs, 2, 1, 3, 4, full=False)
    with pytest.raises(engine.InvalidModel, match="is wanted"):
        engine.load(one_node("GRU", [x, w[:, :-1], r], attrs, opset=22, dynamic=False))
    with pytest.raises(engine.InvalidModel, match="hidden_size"):
        engine.load(one_node("GRU", [x, w, r], {"hidden_size": 5}, opset=22, dynamic=False))
    with pytest.raises(engine.InvalidModel, match="direction"):
        engine.load(one_node("GRU", [x, w, r], {"direction": "sideways"}, opset=22, dynamic=False))
    with pytest.raises(engine.UnsupportedOperator, match="Sine"):
        engine.load(one_node("GRU", [x, w, r], {"activations": ["Sine", "Tanh"]}, opset=22, dynamic=False))
    with pytest.raises(engine.InvalidInput, match="sequence length"):
        run_node("GRU", [x, w, r, None, np.array([9], np.int32)], attrs, opset=22)


def quantized(rng, directions, k, columns, per_column):
    w = rng.integers(-127, 128, (directions, k, columns)).astype(np.int8)
    scale = (rng.random((directions, columns) if per_column else (directions,)) * 0.01 + 0.001).astype(np.float32)
    return w, scale, np.zeros(scale.shape, np.int8)


def through_bytes(x):
    """x as dynamic quantisation to uint8 leaves it."""
    x = x.astype(np.float32)
    low, high = min(0, x.min()), max(0, x.max())
    scale = np.float32((high - low) / 255) or np.float32(1)
    zero = np.rint(-low / scale)
    return (np.clip(np.rint(x / scale) + zero, 0, 255) - zero).astype(np.float64) * scale


class QuantizedTwin(Twin):
    def step(self, x, h, *rest):
        return super().step(x, through_bytes(h), *rest)


@pytest.mark.parametrize("per_column", [False, True])
def test_dynamic_quantize_lstm(per_column):
    rng = np.random.default_rng(3)
    attrs = {"hidden_size": 32, "direction": "bidirectional"}
    w, ws, wz = quantized(rng, 2, 24, 128, per_column)
    r, rs, rz = quantized(rng, 2, 32, 128, per_column)
    x, b = rng.standard_normal((3, 1, 24)).astype(np.float32), rng.standard_normal((2, 256)).astype(np.float32) * 0.1

    def real(q, s):
        return (q * s.reshape(2, 1, -1)).transpose(0, 2, 1).astype(np.float64)

    want = QuantizedTwin("LSTM", attrs)(through_bytes(x), real(w, ws), real(r, rs), b.astype(np.float64))
    inputs = [x, w, r, b, None, None, None, None, ws, wz, rs, rz]
    got = run_node("DynamicQuantizeLSTM", inputs, attrs, opset=1, domain="com.microsoft", n_outputs=3, constants=(1, 2))
    for g, y in zip(got, want, strict=True):
        np.testing.assert_allclose(g, y, rtol=1e-3, atol=1e-3)
