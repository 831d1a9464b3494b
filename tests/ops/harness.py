"""One-node models: build, run, compare."""

import engine
import numpy as np
import onnx
from onnx import TensorProto, helper

LATEST = 25


def value_info(name, array, dynamic):
    """The graph input that takes `array`; dynamic: every dimension is a symbol of its own."""
    array = np.asarray(array)
    text = array.dtype.kind in "OUST"
    dtype = TensorProto.STRING if text else helper.np_dtype_to_tensor_dtype(array.dtype)
    shape = [f"{name}_{i}" for i in range(array.ndim)] if dynamic else list(array.shape)
    return helper.make_tensor_value_info(name, dtype, shape)


def one_node(op_type, inputs, attrs=None, opset=LATEST, domain="", n_outputs=1, dynamic=True, constants=()):
    """A model of one node, its bytes; `inputs` as in run_node."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    outputs = [f"y{i}" for i in range(n_outputs)]
    node = helper.make_node(op_type, names, outputs, domain=domain, **(attrs or {}))
    present = [(i, x) for i, x in enumerate(inputs) if x is not None]
    graph = helper.make_graph(
        [node],
        "one_node",
        [value_info(names[i], x, dynamic) for i, x in present if i not in constants],
        [onnx.ValueInfoProto(name=y) for y in outputs],
        [onnx.numpy_helper.from_array(np.asarray(x), names[i]) for i, x in present if i in constants],
    )
    opsets = [helper.make_opsetid("", opset if domain == "" else LATEST)]
    if domain:
        opsets.append(helper.make_opsetid(domain, opset))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def run_node(op_type, inputs, attrs=None, opset=LATEST, domain="", n_outputs=1, dynamic=True, constants=(), **load):
    """Runs one node and returns the list of its outputs.

    inputs: arrays in order (None: left out), or a dict of them. constants: positions that become initializers.
    dynamic: input dimensions are symbols, so that shapes are known only when it runs.
    """
    inputs = list(inputs.values()) if isinstance(inputs, dict) else list(inputs)
    model = engine.load(one_node(op_type, inputs, attrs, opset, domain, n_outputs, dynamic, constants), **load)
    feeds = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs) if x is not None and i not in constants}
    got = model.run(feeds)
    return [got[f"y{i}"] for i in range(n_outputs)]


def run_all_ways(op_type, inputs, attrs=None, opset=LATEST, domain="", n_outputs=1, constants=()):
    """run_node with shapes known at load and not, and with `constants` as initializers and as inputs; one answer for all."""
    answers = [
        run_node(op_type, inputs, attrs, opset, domain, n_outputs, dynamic, fixed)
        for dynamic in (False, True)
        for fixed in {(), tuple(constants)}
    ]
    for other in answers[1:]:
        for a, b in zip(answers[0], other, strict=True):
            assert_same(b, a)
    return answers[0]


def assert_same(got, want):
    """Same dtype, shape and elements, NaN equal to NaN."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    if want.dtype.kind in "OUST":
        assert got.astype(str).tolist() == want.astype(str).tolist()
        return
    assert got.dtype == want.dtype
    if want.dtype.kind in "fc" and want.dtype.itemsize >= 2:
        np.testing.assert_array_equal(got, want)
    else:
        assert got.tobytes() == np.ascontiguousarray(want).tobytes()


def assert_close(got, want, rtol=1e-5, atol=1e-6):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(got.astype(wide), want.astype(wide), rtol=rtol, atol=atol, equal_nan=True)
