"""ScatterElements whose indices are expanded from one for each place along the axis."""

import engine
import numpy as np
import onnx
import pytest
from harness import assert_same
from movement import draw_numbers
from onnx import helper
from test_scatter import NUMBERS, REDUCTIONS, scatter_elements


def expanded_model(x, narrow, updates, axis, reduction):
    nodes = [
        helper.make_node("Expand", ["i", "shape"], ["wide"]),
        helper.make_node("ScatterElements", ["x", "wide", "u"], ["y"], axis=axis, reduction=reduction),
    ]
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), [f"{n}{d}" for d in range(a.ndim)])
        for n, a in (("x", x), ("i", narrow), ("u", updates))
    ]
    shape = onnx.numpy_helper.from_array(np.array(updates.shape, np.int64), "shape")
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name="y")], [shape])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


def run(x, narrow, updates, axis, reduction, threads=1):
    model = engine.load(expanded_model(x, narrow, updates, axis, reduction), threads=threads)
    feeds = {"x": x, "i": narrow, "u": updates}
    return model.run(feeds)["y"], model.plan(feeds)["text"]


def narrow_shape(updates, axis):
    return [n if d == axis % updates.ndim else 1 for d, n in enumerate(updates.shape)]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_against_loops(dtype, reduction, axis):
    x = draw_numbers((5, 6, 7), dtype)
    shape = [5, 6, 7]
    shape[axis] = 9
    updates = draw_numbers(tuple(shape), dtype, seed=5)
    narrow = np.random.default_rng(1).integers(-x.shape[axis], x.shape[axis], narrow_shape(updates, axis))
    got, plan = run(x, narrow, updates, axis, reduction)
    assert "ScatterRows" in plan
    assert_same(got, scatter_elements(x, np.broadcast_to(narrow, updates.shape), updates, axis, reduction))


@pytest.mark.parametrize("threads", [1, 2])
def test_long(threads):
    x = draw_numbers((300, 130), np.float32)
    updates = draw_numbers((9000, 130), np.float32, seed=2)
    updates[17, 3] = np.nan
    narrow = np.random.default_rng(1).integers(0, 300, 9000).astype(np.int32)
    order = np.argsort(narrow, kind="stable")
    want = x.copy()
    for i in order:
        want[narrow[i]] += updates[i]
    got, plan = run(x, narrow[:, None], updates, 0, "add", threads)
    assert "ScatterRows" in plan
    assert_same(got, want)


def test_only_where_indices_repeat_off_the_axis():
    x, updates = draw_numbers((4, 4), np.float32), draw_numbers((4, 4), np.float32, seed=3)
    across = np.array([[3, 0, 1, 2]])
    got, plan = run(x, across, updates, 0, "none")
    assert "ScatterRows" not in plan
    assert_same(got, scatter_elements(x, np.broadcast_to(across, (4, 4)), updates, 0))
    small = updates[:, :3].copy()
    got, plan = run(x, across.T, small, 0, "add")
    assert "ScatterRows" not in plan
    assert_same(got, scatter_elements(x, np.broadcast_to(across.T, (4, 3)), small, 0, "add"))


def test_empty_and_out_of_range():
    x = draw_numbers((3, 4), np.float32)
    assert_same(run(x, np.zeros((0, 1), np.int64), np.zeros((0, 4), np.float32), 0, "add")[0], x)
    with pytest.raises(engine.InvalidInput, match="index 3"):
        run(x, np.array([[0], [3]]), np.ones((2, 4), np.float32), 0, "add")
