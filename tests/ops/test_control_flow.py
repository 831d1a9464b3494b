"""If, Loop, Scan and SequenceMap."""

import time

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def info(name, dtype=FLOAT, shape=None):
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name, value, dtype=FLOAT):
    value = np.asarray(value)
    return helper.make_node("Constant", [], [name], value=helper.make_tensor(name, dtype, value.shape, value.ravel().tolist()))


def load(nodes, inputs, outputs, opset=21, **options):
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return engine.load(model.SerializeToString(), **options)


def if_model(opset=21):
    then = helper.make_graph([helper.make_node("Add", ["x", "x"], ["t"])], "then", [], [info("t", shape=[None])])
    other = helper.make_graph([helper.make_node("Concat", ["x", "x"], ["e"], axis=0)], "else", [], [info("e", shape=[None])])
    node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    return load([node], [info("c", BOOL, []), info("x", shape=[None])], [info("y", shape=[None])], opset)


@pytest.mark.parametrize("opset", [11, 13, 16, 19, 21, 23, 24, 25])
def test_if_takes_one_branch(opset):
    model = if_model(opset)
    x = np.arange(3, dtype=np.float32)
    np.testing.assert_array_equal(model.run({"c": np.array(True), "x": x})["y"], x + x)
    np.testing.assert_array_equal(model.run({"c": np.array(False), "x": x})["y"], np.concatenate([x, x]))


def test_if_nested_and_passing_a_captured_value_on():
    inner = helper.make_node(
        "If", ["d"], ["t"],
        then_branch=helper.make_graph([helper.make_node("Identity", ["x"], ["a"])], "a", [], [info("a", shape=[None])]),
        else_branch=helper.make_graph([helper.make_node("Neg", ["x"], ["b"])], "b", [], [info("b", shape=[None])]),
    )  # fmt: skip
    then = helper.make_graph([inner], "then", [], [info("t", shape=[None])])
    other = helper.make_graph([constant("e", [7.0])], "else", [], [info("e", shape=[1])])
    node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    model = load([node], [info("c", BOOL, []), info("d", BOOL, []), info("x", shape=[None])], [info("y", shape=[None])])
    x = np.array([1, -2], np.float32)
    for c, d, want in [(1, 1, x), (1, 0, -x), (0, 0, np.array([7], np.float32))]:
        np.testing.assert_array_equal(model.run({"c": np.array(bool(c)), "d": np.array(bool(d)), "x": x})["y"], want)


def sum_loop(trip=True, condition=True, opset=21, limit=1e9):
    """state += captured step; stops when state >= limit; scans the state and the iteration."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["s_in", "step"], ["s_out"]),
            constant("limit", limit),
            helper.make_node("Less", ["s_out", "limit"], ["c_out"]),
            helper.make_node("Identity", ["s_out"], ["scan"]),
            helper.make_node("Identity", ["i"], ["scan_i"]),
        ],
        "body",
        [info("i", INT64, []), info("c", BOOL, []), info("s_in", shape=[])],
        [info("c_out", BOOL, []), info("s_out", shape=[]), info("scan", shape=[]), info("scan_i", INT64, [])],
    )
    node = helper.make_node("Loop", ["m" if trip else "", "c" if condition else "", "s"], ["y", "scans", "is"], body=body)
    inputs = [info("s", shape=[]), info("step", shape=[])]
    inputs += [info("m", INT64, [])] if trip else []
    inputs += [info("c", BOOL, [])] if condition else []
    return load([node], inputs, [info("y", shape=[]), info("scans", shape=[None]), info("is", INT64, [None])], opset)


@pytest.mark.parametrize("opset", [11, 13, 16, 19, 21, 23, 24, 25])
@pytest.mark.parametrize("trips", [0, 1, 5, 100])
def test_loop_counts(trips, opset):
    feeds = {"m": np.array(trips), "c": np.array(True), "s": np.float32(1), "step": np.float32(2)}
    got = sum_loop(opset=opset).run(feeds)
    np.testing.assert_array_equal(got["y"], np.float32(1 + 2 * trips))
    np.testing.assert_array_equal(got["scans"], 1 + 2 * np.arange(1, trips + 1, dtype=np.float32))
    np.testing.assert_array_equal(got["is"], np.arange(trips))
    assert got["scans"].shape == (trips,) and got["scans"].dtype == np.float32 and got["is"].dtype == np.int64


def test_loop_with_false_condition_does_nothing():
    got = sum_loop().run({"m": np.array(9), "c": np.array(False), "s": np.float32(3), "step": np.float32(1)})
    assert got["y"] == 3 and got["scans"].shape == (0,) and got["is"].shape == (0,)


def test_loop_negative_trip_count_does_nothing():
    got = sum_loop().run({"m": np.array(-4), "c": np.array(True), "s": np.float32(3), "step": np.float32(1)})
    assert got["y"] == 3 and got["scans"].shape == (0,)


def test_loop_stops_at_condition_and_scan_outputs_grow():
    got = sum_loop(trip=False, limit=1000.0).run({"c": np.array(True), "s": np.float32(0), "step": np.float32(1)})
    assert got["y"] == 1000
    np.testing.assert_array_equal(got["scans"], np.arange(1, 1001, dtype=np.float32))


def test_loop_without_end_stops_at_the_deadline():
    model = sum_loop(trip=False, condition=False, limit=np.inf)
    feeds = {"s": np.float32(0), "step": np.float32(0)}
    begin = time.perf_counter()
    with pytest.raises(engine.DeadlineExceeded):
        model.run(feeds, timeout=0.05)
    assert time.perf_counter() - begin < 5


def test_loop_grows_a_carried_tensor():
    body = helper.make_graph(
        [helper.make_node("Concat", ["s_in", "x"], ["s_out"], axis=0), helper.make_node("Identity", ["c"], ["c_out"])],
        "body",
        [info("i", INT64, []), info("c", BOOL, []), info("s_in", shape=[None])],
        [info("c_out", BOOL, []), info("s_out", shape=[None])],
    )
    node = helper.make_node("Loop", ["m", "", "x"], ["y"], body=body)
    model = load([node], [info("m", INT64, []), info("x", shape=[2])], [info("y", shape=[None])])
    x = np.array([3, 4], np.float32)
    for trips in (0, 1, 7):
        np.testing.assert_array_equal(model.run({"m": np.array(trips), "x": x})["y"], np.tile(x, trips + 1))


def test_loop_scan_output_of_changing_shape_is_refused():
    body = helper.make_graph(
        [helper.make_node("Range", ["zero", "i", "one"], ["scan"]), helper.make_node("Identity", ["c"], ["c_out"]),
         constant("zero", 0, INT64), constant("one", 1, INT64)],
        "body", [info("i", INT64, []), info("c", BOOL, [])], [info("c_out", BOOL, []), info("scan", INT64, [None])],
    )  # fmt: skip
    body.node.sort(key=lambda n: n.op_type != "Constant")
    model = load([helper.make_node("Loop", ["m", ""], ["y"], body=body)], [info("m", INT64, [])], [info("y", INT64, [None, None])])
    with pytest.raises(engine.InvalidInput, match="scan output"):
        model.run({"m": np.array(3)})


def cumulative_body(batched=False):
    return helper.make_graph(
        [helper.make_node("Add", ["s_in", "x_t"], ["s_out"]), helper.make_node("Mul", ["s_out", "x_t"], ["y_t"])],
        "body", [info("s_in", shape=[None]), info("x_t", shape=[None])], [info("s_out", shape=[None]), info("y_t", shape=[None])],
    )  # fmt: skip


def cumulative(x, s, reverse_in=False, reverse_out=False):
    ys = []
    for t in range(x.shape[0])[:: -1 if reverse_in else 1]:
        s = s + x[t]
        ys.append(s * x[t])
    out = np.stack(ys) if ys else np.zeros((0, *s.shape), np.float32)
    return s, out[::-1] if reverse_out else out


@pytest.mark.parametrize("opset", [9, 11, 16, 19, 21, 23, 24, 25])
@pytest.mark.parametrize("axis_in", [0, 1, -1])
@pytest.mark.parametrize("axis_out", [0, 1, -1])
@pytest.mark.parametrize("reverse", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_scan(axis_in, axis_out, reverse, opset):
    if opset == 9 and (axis_in < 0 or axis_out < 0):
        pytest.skip("negative axes are of version 11")
    node = helper.make_node(
        "Scan", ["s", "x"], ["last", "y"], body=cumulative_body(), num_scan_inputs=1, scan_input_axes=[axis_in],
        scan_output_axes=[axis_out], scan_input_directions=[reverse[0]], scan_output_directions=[reverse[1]],
    )  # fmt: skip
    model = load([node], [info("s", shape=[None]), info("x", shape=[None, None])], [info("last", shape=[None]), info("y", shape=[None, None])], opset)
    rng = np.random.default_rng(0)
    for steps in (0, 1, 6):
        x, s = rng.normal(size=(steps, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
        got = model.run({"s": s, "x": np.ascontiguousarray(np.moveaxis(x, 0, axis_in))})
        last, y = cumulative(x, s, *map(bool, reverse))
        np.testing.assert_allclose(got["last"], last, rtol=1e-6)
        if steps:
            np.testing.assert_allclose(got["y"], np.moveaxis(y, 0, axis_out), rtol=1e-6)


@pytest.mark.parametrize("lengths", [None, [4, 0, 2]])
@pytest.mark.parametrize("reverse", [0, 1])
def test_scan_of_version_8(lengths, reverse):
    node = helper.make_node(
        "Scan", ["n" if lengths else "", "s", "x"], ["last", "y"], body=cumulative_body(), num_scan_inputs=1, directions=[reverse]
    )
    inputs = [info("s", shape=[None, None]), info("x", shape=[None, None, None])] + ([info("n", INT64, [None])] if lengths else [])
    model = load([node], inputs, [info("last", shape=[None, None]), info("y", shape=[None, None, None])], 8)
    rng = np.random.default_rng(1)
    x, s = rng.normal(size=(3, 4, 2)).astype(np.float32), rng.normal(size=(3, 2)).astype(np.float32)
    feeds = {"s": s, "x": x} | ({"n": np.array(lengths)} if lengths else {})
    got = model.run(feeds)
    for b in range(3):
        n = lengths[b] if lengths else 4
        last, y = cumulative(x[b, :n], s[b], bool(reverse))
        np.testing.assert_allclose(got["last"][b], last, rtol=1e-6)
        np.testing.assert_allclose(got["y"][b, :n], y, rtol=1e-6)


def test_scan_refuses_sequences_of_two_lengths():
    body = helper.make_graph([helper.make_node("Add", ["a", "b"], ["y_t"])], "body", [info("a", shape=[None]), info("b", shape=[None])], [info("y_t", shape=[None])])
    node = helper.make_node("Scan", ["x", "z"], ["y"], body=body, num_scan_inputs=2)
    model = load([node], [info("x", shape=[None, None]), info("z", shape=[None, None])], [info("y", shape=[None, None])])
    with pytest.raises(engine.InvalidInput, match="2 and 3"):
        model.run({"x": np.zeros((2, 1), np.float32), "z": np.zeros((3, 1), np.float32)})


def test_sequence_map():
    body = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"]), helper.make_node("Add", ["c", "k"], ["d"])],
        "body", [info("a", shape=[None]), info("b", shape=[None])], [info("c", shape=[None]), info("d", shape=[None])],
    )  # fmt: skip
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "x2"], ["seq"]),
        helper.make_node("SequenceMap", ["seq", "b"], ["cs", "ds"], body=body),
    ]
    outputs = [helper.make_tensor_sequence_value_info(n, FLOAT, None) for n in ("cs", "ds")]
    model = load(nodes, [info(n, shape=[None]) for n in ("x", "x2", "b", "k")], outputs)
    x, x2, b, k = np.ones(2, np.float32), np.ones(3, np.float32), np.full(1, 5, np.float32), np.full(1, 7, np.float32)
    got = model.run({"x": x, "x2": x2, "b": b, "k": k})
    for name, add in (("cs", 5), ("ds", 12)):
        assert [a.tolist() for a in got[name]] == [[1.0 + add] * 2, [1.0 + add] * 3]
