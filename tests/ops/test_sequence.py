"""Operators on sequences and optionals."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def run(nodes, feeds, outputs, opset=21):
    """Feeds are arrays; outputs maps names to 'tensor' or 'sequence', the result is in that order."""
    inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype) if a.dtype.kind != "O" else TensorProto.STRING, [None] * a.ndim) for n, a in feeds.items()]
    empty = [helper.make_empty_tensor_value_info(n) for n in outputs]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, empty), opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    got = engine.load(model.SerializeToString()).run(feeds)
    return [got[n] for n in outputs]


def node(op, inputs, outputs, **attrs):
    return helper.make_node(op, inputs, outputs, **attrs)


X = {n: np.full(k + 1, k, np.float32) for k, n in enumerate("abc")}
CONSTRUCT = node("SequenceConstruct", ["a", "b", "c"], ["s"])


@pytest.mark.parametrize("position", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_sequence_at_and_erase(position, dtype):
    feeds = X | {"p": np.array(position, dtype)}
    at, rest, count = run(
        [CONSTRUCT, node("SequenceAt", ["s", "p"], ["at"]), node("SequenceErase", ["s", "p"], ["rest"]), node("SequenceLength", ["rest"], ["n"])],
        feeds, ["at", "rest", "n"],
    )  # fmt: skip
    want = list(X.values())
    np.testing.assert_array_equal(at, want[position])
    del want[position]
    assert [r.tolist() for r in rest] == [w.tolist() for w in want] and count == 2 and count.dtype == np.int64


@pytest.mark.parametrize("position", [None, 0, 1, 3, -1, -3])
def test_sequence_insert(position):
    feeds = X | {"x": np.array([9], np.float32)} | ({} if position is None else {"p": np.array(position)})
    (got,) = run([CONSTRUCT, node("SequenceInsert", ["s", "x"] + (["p"] if position is not None else []), ["y"])], feeds, ["y"])
    want = [v.tolist() for v in X.values()]
    want.insert(3 if position is None else position, [9.0])
    assert [g.tolist() for g in got] == want


@pytest.mark.parametrize("op", ["SequenceAt", "SequenceErase"])
@pytest.mark.parametrize("position", [3, -4, 2**40])
def test_position_out_of_range(op, position):
    with pytest.raises(engine.InvalidInput, match="out of range"):
        run([CONSTRUCT, node(op, ["s", "p"], ["y"])], X | {"p": np.array(position)}, ["y"])


def test_sequence_empty_and_erase_of_the_last():
    y, n = run([node("SequenceEmpty", [], ["s"], dtype=INT64), node("SequenceLength", ["s"], ["n"])], {}, ["s", "n"])
    assert y == [] and n == 0
    (rest,) = run([CONSTRUCT, node("SequenceErase", ["s"], ["y"])], X, ["y"])
    assert len(rest) == 2
    with pytest.raises(engine.InvalidInput, match="empty"):
        run([node("SequenceEmpty", [], ["s"]), node("SequenceErase", ["s"], ["y"])], {}, ["y"])


@pytest.mark.parametrize("opset", [11, 24])
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("split", [None, 2, [1, 3, 0, 2], 100])
@pytest.mark.parametrize("kind", [np.float32, np.int8, np.complex128, object])
def test_split_and_concat_back(axis, split, kind, opset):
    x = np.arange(36).reshape(6, 6)
    x = x.astype(str).astype(object) if kind is object else x.astype(kind)
    feeds = {"x": x} | ({} if split is None else {"n": np.array(split)})
    parts, back = run(
        [node("SplitToSequence", ["x"] + (["n"] if split is not None else []), ["s"], axis=axis), node("ConcatFromSequence", ["s"], ["y"], axis=axis)],
        feeds, ["s", "y"], opset,
    )  # fmt: skip
    at = np.cumsum(split)[:-1] if isinstance(split, list) else np.arange(split or 1, 6, split or 1)
    want = np.split(x, at, axis=axis)
    assert [p.tolist() for p in parts] == [w.tolist() for w in want]
    assert back.tolist() == x.tolist()


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_split_without_kept_dimension_and_stack(axis):
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    parts, back = run(
        [node("SplitToSequence", ["x"], ["s"], axis=axis, keepdims=0), node("ConcatFromSequence", ["s"], ["y"], axis=axis, new_axis=1)],
        {"x": x}, ["s", "y"],
    )  # fmt: skip
    assert all(p.ndim == 1 for p in parts) and len(parts) == x.shape[axis]
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("split", [[1, 1], [7], [-1, 7], 0, -2])
def test_split_that_does_not_add_up(split):
    with pytest.raises(engine.InvalidInput, match="split"):
        run([node("SplitToSequence", ["x", "n"], ["s"])], {"x": np.zeros(6, np.float32), "n": np.array(split)}, ["s"])


def test_concat_refuses_shapes_that_do_not_fit():
    feeds = {"a": np.zeros((2, 3), np.float32), "b": np.zeros((2, 4), np.float32)}
    with pytest.raises(engine.InvalidInput, match="does not fit"):
        run([node("SequenceConstruct", ["a", "b"], ["s"]), node("ConcatFromSequence", ["s"], ["y"], axis=0)], feeds, ["y"])
    with pytest.raises(engine.InvalidInput, match="empty"):
        run([node("SequenceEmpty", [], ["s"]), node("ConcatFromSequence", ["s"], ["y"], axis=0)], {}, ["y"])


@pytest.mark.parametrize("opset", [18, 21, 25])
def test_optional_round_trip(opset):
    x = np.arange(3, dtype=np.float32)
    y, has = run(
        [node("Optional", ["x"], ["o"]), node("OptionalGetElement", ["o"], ["y"]), node("OptionalHasElement", ["o"], ["has"])],
        {"x": x}, ["y", "has"], opset,
    )  # fmt: skip
    np.testing.assert_array_equal(y, x)
    assert has.dtype == np.bool_ and has.shape == () and has


def test_empty_optional():
    kind = helper.make_tensor_type_proto(FLOAT, None)
    empty = node("Optional", [], ["o"], type=kind)
    (has,) = run([empty, node("OptionalHasElement", ["o"], ["has"])], {}, ["has"])
    assert not has
    with pytest.raises(engine.EngineError, match="empty"):
        run([empty, node("OptionalGetElement", ["o"], ["y"])], {}, ["y"])
    (has,) = run([node("OptionalHasElement", [], ["has"])], {}, ["has"])
    assert not has
