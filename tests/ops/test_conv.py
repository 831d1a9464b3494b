"""Conv, ConvTranspose and com.microsoft.FusedConv against the ONNX reference and a NumPy twin."""

import engine
import numpy as np
import pytest
from harness import assert_close, one_node, run_all_ways, run_node
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(5)


def reference(op_type, inputs, attrs, opset=22):
    model = ReferenceEvaluator(__import__("onnx").load_from_string(one_node(op_type, inputs, attrs, opset)))
    return model.run(None, {f"x{i}": x for i, x in enumerate(inputs) if x is not None})[0]


def tensors(x, w, bias, dtype=np.float32):
    made = [rng.standard_normal(x).astype(dtype), (rng.standard_normal(w) * 0.3).astype(dtype)]
    return made + ([rng.standard_normal(bias).astype(dtype)] if bias else [])


CONVS = [
    ((1, 3, 17), (5, 3, 3), 5, dict(pads=[1, 1])),
    ((2, 4, 9, 10), (6, 4, 3, 3), 6, dict(pads=[1, 1, 1, 1])),
    ((1, 8, 12, 7), (9, 8, 1, 1), None, dict(strides=[2, 2])),
    ((1, 16, 9, 9), (16, 1, 3, 3), 16, dict(group=16, pads=[1, 1, 1, 1], strides=[2, 2])),
    ((2, 12, 8, 8), (18, 4, 3, 2), 18, dict(group=3, dilations=[2, 3])),
    ((1, 3, 6, 7, 8), (4, 3, 3, 2, 3), 4, dict(pads=[1, 0, 1, 1, 1, 1], strides=[1, 2, 2])),
    ((1, 2, 9, 9), (3, 2, 3, 4), None, dict(auto_pad="SAME_UPPER", strides=[2, 2])),
    ((1, 2, 9, 9), (3, 2, 3, 4), None, dict(auto_pad="SAME_LOWER", strides=[2, 2])),
]


@pytest.mark.parametrize("x,w,bias,attrs", CONVS)
def test_conv(x, w, bias, attrs):
    inputs = tensors(x, w, bias)
    constants = range(1, len(inputs))
    (got,) = run_all_ways("Conv", inputs, attrs, opset=22, constants=constants)
    assert_close(got, reference("Conv", inputs, attrs), 1e-4, 1e-5)


TRANSPOSED = [
    ((1, 3, 8), (3, 4, 3), 4, dict(strides=[2], pads=[1, 1])),
    ((2, 4, 5, 6), (4, 3, 3, 3), 3, dict(strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])),
    ((1, 4, 5, 6), (4, 2, 2, 2), None, dict(group=2, strides=[2, 2])),
    ((1, 2, 5, 5), (2, 2, 3, 3), None, dict(dilations=[2, 2])),
    ((1, 2, 4, 4), (2, 2, 3, 3), None, dict(strides=[3, 2], output_shape=[10, 8])),
]


def scattered(x, w, bias, strides=(1, 1), pads=None, dilations=(1, 1), group=1, output_padding=None, output_shape=None):
    """ConvTranspose by its definition: every input element adds its kernel to the output."""
    rank, x64 = w.ndim - 2, x.astype(np.float64)
    strides, dilations = list(strides)[:rank], list(dilations)[:rank]
    pads, extra = pads or [0] * 2 * rank, output_padding or [0] * rank
    span = [(w.shape[2 + d] - 1) * dilations[d] + 1 for d in range(rank)]
    full = [strides[d] * (x.shape[2 + d] - 1) + span[d] + extra[d] for d in range(rank)]
    if output_shape:
        total = [full[d] - output_shape[d] for d in range(rank)]
        pads = [max(0, t) - max(0, t) // 2 for t in total] + [0] * rank
        pads[rank:] = [t - b for t, b in zip(total, pads[:rank])]
    y = np.zeros((x.shape[0], w.shape[1] * group, *[f + 50 for f in full]))
    c_in, c_out = x.shape[1] // group, w.shape[1]
    for g in range(group):
        part, weight = x64[:, g * c_in : (g + 1) * c_in], w[g * c_in : (g + 1) * c_in].astype(np.float64)
        for tap in np.ndindex(*w.shape[2:]):
            product = np.einsum("nc...,cm->nm...", part, weight[(slice(None), slice(None), *tap)])
            where = [slice(tap[d] * dilations[d], tap[d] * dilations[d] + strides[d] * (x.shape[2 + d] - 1) + 1, strides[d]) for d in range(rank)]
            y[(slice(None), slice(g * c_out, (g + 1) * c_out), *where)] += product
    y = y[(..., *[slice(pads[d], full[d] - pads[rank + d]) for d in range(rank)])]
    if bias is not None:
        y = y + bias.reshape(-1, *[1] * rank)
    return y.astype(x.dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x,w,bias,attrs", TRANSPOSED)
def test_conv_transpose(x, w, bias, attrs, dtype):
    inputs = tensors(x, w, bias, dtype)
    (got,) = run_all_ways("ConvTranspose", inputs, attrs, opset=22, constants=range(1, len(inputs)))
    assert_close(got, scattered(inputs[0], inputs[1], inputs[2] if bias else None, **attrs), 1e-4, 1e-5)


@pytest.mark.parametrize("dtype,tolerance", [(np.float16, 5e-3), (np.float64, 1e-12)])
@pytest.mark.parametrize("constants", [(), (1, 2)])
def test_other_floats(dtype, tolerance, constants):
    inputs = tensors((2, 4, 9, 10), (6, 2, 3, 3), 6, dtype)
    attrs = dict(group=2, pads=[1, 1, 1, 1], strides=[2, 1])
    want = reference("Conv", [x.astype(np.float64) for x in inputs], attrs).astype(dtype)
    assert_close(run_node("Conv", inputs, attrs, opset=22, constants=constants)[0], want, tolerance, tolerance)


@pytest.mark.parametrize("optimize", ["off", "all"])
def test_empty(optimize):
    x = np.zeros((0, 4, 8, 8), np.float32)
    w = np.ones((3, 4, 3, 3), np.float32)
    assert run_node("Conv", [x, w], {}, optimize=optimize)[0].shape == (0, 3, 6, 6)
    assert run_node("Conv", [np.zeros((2, 4, 0, 8), np.float32), w[:, :, :1, :1]], {}, optimize=optimize)[0].shape == (2, 3, 0, 8)


@pytest.mark.parametrize("activation,params", [("Relu", []), ("LeakyRelu", [0.3]), ("Clip", [-0.5, 0.8]), ("Tanh", [])])
def test_microsoft_fused_conv(activation, params):
    x, w, b = tensors((1, 4, 9, 9), (5, 4, 3, 3), 5)
    z = rng.standard_normal((1, 5, 7, 7)).astype(np.float32)
    attrs = dict(activation=activation, kernel_shape=[3, 3])
    if params:
        attrs["activation_params"] = params
    got = run_node("FusedConv", [x, w, b, z], attrs, opset=1, domain="com.microsoft")[0]
    y = reference("Conv", [x, w, b], {}) + z
    functions = {
        "Relu": lambda v: np.maximum(v, 0),
        "LeakyRelu": lambda v: np.where(v < 0, v * np.float32(0.3), v),
        "Clip": lambda v: np.clip(v, -0.5, 0.8),
        "Tanh": np.tanh,
    }
    assert_close(got, functions[activation](y), 1e-4, 1e-5)


@pytest.mark.parametrize(
    "x,w,attrs",
    [
        ((1, 3, 8, 8), (4, 2, 3, 3), {}),
        ((1, 3, 8, 8), (4, 3, 9, 3), {}),
        ((1, 3, 8, 8), (4, 3, 3), {}),
        ((1, 4, 8, 8), (4, 2, 3, 3), dict(group=3)),
        ((1, 3, 8, 8), (4, 3, 3, 3), dict(kernel_shape=[2, 3])),
        ((1, 3, 8, 8), (4, 3, 3, 3), dict(strides=[0, 1])),
        ((1, 3, 8, 8), (4, 3, 3, 3), dict(group=0)),
    ],
)
def test_refused(x, w, attrs):
    with pytest.raises(engine.EngineError):
        run_node("Conv", [np.zeros(x, np.float32), np.zeros(w, np.float32)], attrs, dynamic=False)
