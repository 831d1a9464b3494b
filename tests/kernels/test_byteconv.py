"""Convolutions of bytes on every tier: exact sums, tables and sums of quantised tensors against NumPy."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(11)


def sums(x, w, x_zero, w_zero, strides, pads, dilations, group):
    x = np.pad(x.astype(np.int64) - x_zero, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    w = w.astype(np.int64) - np.reshape(w_zero, (-1, 1, 1, 1))
    out = [(x.shape[2 + d] - (w.shape[2 + d] - 1) * dilations[d] - 1) // strides[d] + 1 for d in range(2)]
    n, (m, c, kh, kw) = x.shape[0], w.shape
    y = np.zeros((n, group, m // group, *out), np.int64)
    x = x.reshape(n, group, c, *x.shape[2:])
    w = w.reshape(group, m // group, c, kh, kw)
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * dilations[0], i * dilations[0] + (out[0] - 1) * strides[0] + 1, strides[0])
            columns = slice(j * dilations[1], j * dilations[1] + (out[1] - 1) * strides[1] + 1, strides[1])
            y += np.einsum("ngchw,gmc->ngmhw", x[:, :, :, rows, columns], w[..., i, j])
    return y.reshape(n, m, *out)


def run(op, inputs, attrs=None, n_fixed=(), opset=22):
    names = [f"x{i}" for i in range(len(inputs))]
    infos = [helper.make_tensor_value_info(names[i], helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for i, x in enumerate(inputs) if i not in n_fixed]
    constants = [numpy_helper.from_array(inputs[i], names[i]) for i in n_fixed]
    out = helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)
    graph = helper.make_graph([helper.make_node(op, names, ["y"], **(attrs or {}))], "g", infos, [out], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10).SerializeToString()
    feeds = {names[i]: x for i, x in enumerate(inputs) if i not in n_fixed}
    answers = [engine.load(model, threads=t).run(feeds)["y"] for t in (1, 2)]
    np.testing.assert_array_equal(*answers)
    return answers[0]


# x, w, strides, pads, dilations, group
CASES = [
    ((1, 1, 1, 1), (1, 1, 1, 1), [1, 1], [0, 0, 0, 0], [1, 1], 1),
    ((2, 3, 17, 13), (16, 3, 3, 3), [2, 2], [1, 1, 1, 1], [1, 1], 1),
    ((1, 3, 20, 19), (65, 3, 7, 7), [2, 2], [3, 3, 3, 3], [1, 1], 1),
    ((1, 20, 7, 6), (24, 20, 1, 1), [1, 1], [0, 0, 0, 0], [1, 1], 1),
    ((1, 64, 9, 9), (130, 64, 1, 1), [2, 2], [0, 0, 0, 0], [1, 1], 1),
    ((2, 33, 8, 5), (7, 33, 3, 3), [1, 1], [2, 0, 1, 3], [1, 1], 1),
    ((1, 16, 11, 9), (40, 16, 3, 3), [1, 1], [2, 2, 2, 2], [2, 2], 1),
    ((1, 12, 9, 10), (20, 3, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 4),
    ((1, 10, 4, 3), (6, 5, 3, 3), [1, 1], [4, 4, 4, 4], [1, 1], 2),
    ((1, 16, 12, 20), (16, 1, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 16),
    ((2, 48, 9, 11), (48, 1, 3, 3), [2, 2], [1, 1, 1, 1], [1, 1], 48),
    ((1, 7, 10, 12), (7, 1, 5, 5), [1, 1], [2, 2, 2, 2], [1, 1], 7),
    ((1, 130, 6, 5), (130, 1, 3, 4), [3, 2], [1, 2, 0, 1], [1, 2], 130),
    ((1, 5, 3, 3), (5, 1, 3, 3), [1, 1], [5, 5, 5, 5], [2, 2], 5),
    ((1, 128, 7, 9), (70, 128, 1, 1), [1, 1], [0, 0, 0, 0], [1, 1], 1),
    ((2, 80, 6, 7), (96, 80, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 1),
    ((1, 24, 5, 40), (17, 24, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 1),
    ((1, 130, 4, 8), (66, 65, 1, 1), [1, 1], [0, 0, 0, 0], [1, 1], 2),
    ((1, 32, 11, 9), (40, 32, 3, 3), [1, 1], [2, 2, 2, 2], [2, 2], 1),
    ((1, 70, 1, 3), (200, 70, 1, 1), [1, 1], [0, 0, 0, 0], [1, 1], 1),
    ((3, 192, 1, 1), (48, 192, 1, 1), [1, 1], [0, 0, 0, 0], [1, 1], 1),
]
TYPES = [(np.uint8, np.int8), (np.uint8, np.uint8), (np.int8, np.int8), (np.int8, np.uint8)]


def any_bytes(shape, dtype):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


@pytest.mark.parametrize("x_shape,w_shape,strides,pads,dilations,group", CASES)
@pytest.mark.parametrize("x_type,w_type", TYPES)
@pytest.mark.parametrize("zeros", [False, True])
def test_sums_and_bytes(tier, x_shape, w_shape, strides, pads, dilations, group, x_type, w_type, zeros):
    x, w = any_bytes(x_shape, x_type), any_bytes(w_shape, w_type)
    if rng.random() < 0.3:
        x[:], w[:] = np.iinfo(x_type).max, np.iinfo(w_type).min
    x_zero = any_bytes((), x_type)
    w_zero = any_bytes(w_shape[:1], w_type) if zeros else np.zeros(w_shape[0], w_type)
    attrs = dict(strides=strides, pads=pads, dilations=dilations, group=group)
    want = sums(x, w, int(x_zero), w_zero.astype(np.int64), strides, pads, dilations, group)
    np.testing.assert_array_equal(run("ConvInteger", [x, w, x_zero, w_zero], attrs, (1, 3)), want)

    bias = rng.integers(-5000, 5000, w_shape[0]).astype(np.int32)
    w_scale = rng.uniform(0.5, 1.5, w_shape[0]).astype(np.float32)
    x_scale, y_scale, y_zero = np.float32(0.02), np.float32(2 * np.prod(w_shape[1:]) ** 0.5), any_bytes((), x_type)
    got = run("QLinearConv", [x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias], attrs, (1, 2, 3, 4, 5, 6, 7, 8))
    factor = (x_scale * w_scale / y_scale).astype(np.float64).reshape(-1, 1, 1)
    exact = (want + bias.reshape(-1, 1, 1)) * factor
    info = np.iinfo(x_type)
    limited = np.clip(np.rint(exact) + int(y_zero), info.min, info.max)
    off = np.abs(got.astype(np.int64) - limited)
    tie = np.abs(np.abs(exact - np.floor(exact)) - 0.5) < 1e-3
    assert off[~tie].max(initial=0) == 0 and off.max(initial=0) <= 1


LARGE = ((1, 140, 9, 12), (200, 70, 3, 5), [1, 1], [1, 2, 1, 2], [1, 1], 2)


@pytest.mark.parametrize("x_shape,w_shape,strides,pads,dilations,group", [*CASES[::3], CASES[9], LARGE])
@pytest.mark.parametrize("x_type,w_type", TYPES[:2])
def test_weights_that_come_with_the_call(tier, x_shape, w_shape, strides, pads, dilations, group, x_type, w_type):
    x, w = any_bytes(x_shape, x_type), any_bytes(w_shape, w_type)
    x_zero, w_zero = any_bytes((), x_type), any_bytes(w_shape[:1], w_type)
    attrs = dict(strides=strides, pads=pads, dilations=dilations, group=group)
    want = sums(x, w, int(x_zero), w_zero.astype(np.int64), strides, pads, dilations, group)
    for fixed in ((), (3,)):
        np.testing.assert_array_equal(run("ConvInteger", [x, w, x_zero, w_zero], attrs, fixed), want)


def sums_of_few_pixels(x, w, x_zero, w_zero, pads):
    """The same as sums, pixel by pixel, in float64, which holds them exactly."""
    x = np.pad(x.astype(np.float64) - x_zero, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    w = w.astype(np.float64) - w_zero.reshape(-1, 1, 1, 1)
    rows, columns = (x.shape[2 + d] - w.shape[2 + d] + 1 for d in range(2))
    y = [[np.tensordot(x[:, :, i : i + w.shape[2], j : j + w.shape[3]], w, [(1, 2, 3)] * 2) for j in range(columns)] for i in range(rows)]
    return np.moveaxis(np.array(y), (2, 3), (0, 1)).astype(np.int64)


@pytest.mark.parametrize("x_shape,w_shape,pads", [((2, 40, 66, 65), (9, 40, 64, 64), [0, 1, 1, 0]), ((1, 5, 1, 30001), (70, 5, 1, 29999), [0, 0, 0, 1])])
@pytest.mark.parametrize("x_type,w_type", TYPES[:2])
@pytest.mark.parametrize("zeros", [False, True])
def test_sums_of_many_terms(tier, x_shape, w_shape, pads, x_type, w_type, zeros):
    """They are computed in parts, between which the clock is read: pieces together, or parts of one. int32 holds the sums."""
    x, w = any_bytes(x_shape, x_type), any_bytes(w_shape, w_type)
    x_zero, w_zero = (any_bytes(shape, kind) // 5 + 100 * (kind is np.uint8) for shape, kind in (((), x_type), (w_shape[:1], w_type)))
    x_zero, w_zero = x_zero.astype(x_type), (w_zero * zeros).astype(w_type)
    want = sums_of_few_pixels(x, w, int(x_zero), w_zero.astype(np.int64), pads)
    np.testing.assert_array_equal(run("ConvInteger", [x, w, x_zero, w_zero], {"pads": pads}, (1, 3)), want)
    y_scale, y_zero = np.float32(2 * np.prod(w_shape[1:]) ** 0.5), np.array(5, x_type)
    got = run("QLinearConv", [x, np.float32(0.02), x_zero, w, np.float32(1), w_zero, y_scale, y_zero], {"pads": pads}, (1, 2, 3, 4, 5, 6, 7))
    info = np.iinfo(x_type)
    limited = np.clip(np.rint(want * np.float64(np.float32(0.02) / y_scale)) + int(y_zero), info.min, info.max)
    assert np.abs(got - limited).max() <= 1 and (got != limited).mean() < 0.1


@pytest.mark.parametrize("byte", [np.uint8, np.int8])
@pytest.mark.parametrize("n", [1, 15, 16, 31, 32, 33, 64, 100, 1000])
def test_a_table_gives_what_its_nodes_give(tier, byte, n):
    zero = np.array(3, byte)
    constants = [numpy_helper.from_array(v, k) for k, v in dict(s=np.float32(0.05), z=zero, s2=np.float32(0.03)).items()]
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "s", "z"], ["f"]),
        helper.make_node("HardSwish", ["f"], ["g"]),
        helper.make_node("QuantizeLinear", ["g", "s2", "z"], ["y"]),
    ]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(byte))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", kind, [n])], [helper.make_tensor_value_info("y", kind, [n])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    x = any_bytes((n,), byte)
    fused = engine.load(model)
    np.testing.assert_array_equal(fused.run({"x": x})["y"], engine.load(model, optimize="off").run({"x": x})["y"])
    assert "engine.ByteTable" in fused.plan({"x": x})["text"]
