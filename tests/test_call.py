"""Model.run and Model(...): what goes in, what comes out, and the errors that name the offender."""

import engine
import ml_dtypes
import numpy as np
import onnx
import pytest
from harness import one_node
from onnx import TensorProto, helper

X = np.arange(12, dtype=np.float32).reshape(3, 4) - 5
NEG = engine.load(one_node("Neg", [X]))
SUB = engine.load(one_node("Sub", [X, X]))


def load_graph(nodes, inputs, outputs, opset=21):
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return engine.load(model.SerializeToString())


def reversed_order(x):
    return x[::-1, ::-1]


def column_order(x):
    return np.asfortranarray(x)


def strided(x):
    wide = np.repeat(x, 2, axis=1)
    return wide[:, ::2]


def swapped(x):
    return x.astype(x.dtype.newbyteorder(">"))


def read_only(x):
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def misaligned(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(x.tobytes(), np.uint8)
    return raw[1:].view(x.dtype).reshape(x.shape)


def broadcast(x):
    return np.broadcast_to(x[:1], x.shape)


@pytest.mark.parametrize(
    "form", [reversed_order, column_order, strided, swapped, read_only, misaligned, broadcast], ids=lambda f: f.__name__
)
def test_any_memory(form):
    x = form(X)
    before = x.copy()
    np.testing.assert_array_equal(NEG.run({"x0": x})["y0"], -before)
    np.testing.assert_array_equal(x, before)


def test_what_is_no_array():
    np.testing.assert_array_equal(NEG([[1.0, 2.0]]), [[-1.0, -2.0]])
    np.testing.assert_array_equal(NEG([[1, 2]]), [[-1.0, -2.0]])
    scalar = engine.load(one_node("Neg", [np.float32(1)]))
    assert scalar(2.5) == -2.5
    assert scalar(np.float32(2.5)).shape == ()


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.float16, np.bool_, np.complex64, ml_dtypes.bfloat16, "U3"])
def test_wrong_dtype_names_the_wanted_one(dtype):
    with pytest.raises(engine.InvalidInput, match=r"'x0' has dtype .*; the model wants float32"):
        NEG(np.ones((2, 2)).astype(dtype))


def test_wrong_shape():
    with pytest.raises(engine.InvalidInput, match=r"'x0' has shape \(3,\); the model wants \('x0_0', 'x0_1'\)"):
        NEG(np.zeros(3, np.float32))
    fixed = engine.load(one_node("Neg", [X], dynamic=False))
    with pytest.raises(engine.InvalidInput, match=r"has shape \(4, 3\); the model wants \(3, 4\)"):
        fixed(X.T.copy())
    scalar = engine.load(one_node("Neg", [np.float32(1)]))
    with pytest.raises(engine.InvalidInput, match=r"has shape \(1,\); the model wants \(\)"):
        scalar(np.ones(1, np.float32))


def test_shapes_that_do_not_fit_each_other():
    with pytest.raises(engine.InvalidInput, match="Sub"):
        SUB(X, X[:, :3])
    np.testing.assert_array_equal(SUB(X, X), X * 0)


def test_names():
    with pytest.raises(engine.InvalidInput, match=r"missing: 'x1'.*inputs are 'x0', 'x1'"):
        SUB.run({"x0": X})
    with pytest.raises(engine.InvalidInput, match="unknown: 'z'"):
        SUB.run({"x0": X, "x1": X, "z": X})
    with pytest.raises(engine.InvalidInput, match="wants a dict"):
        SUB.run([X, X])
    with pytest.raises(engine.InvalidInput, match="2 inputs .*; 1 are given"):
        SUB(X)
    with pytest.raises(engine.InvalidInput, match="output 'z' is unknown"):
        SUB.run({"x0": X, "x1": X}, outputs=["z"])
    with pytest.raises(engine.InvalidInput, match="list of names"):
        SUB.run({"x0": X, "x1": X}, outputs="y0")
    with pytest.raises(engine.InvalidInput, match="None"):
        NEG(None)


def test_request_id_is_on_the_error():
    with pytest.raises(engine.InvalidInput) as caught:
        SUB.run({"x0": X}, request_id="r-17")
    assert caught.value.request_id == "r-17"


def test_outputs_are_picked_in_order():
    nodes = [helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Abs", ["x"], ["b"])]
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, None]) for n in ("x", "a", "b")]
    model = load_graph(nodes, info[:1], info[1:])
    assert list(model.run({"x": X})) == ["a", "b"]
    assert list(model.run({"x": X}, outputs=["b", "a"])) == ["b", "a"]
    assert list(model.run({"x": X}, outputs=["b"])) == ["b"]
    a, b = model(X)
    np.testing.assert_array_equal(a, -X)
    np.testing.assert_array_equal(b, abs(X))


def test_outputs_belong_to_the_caller():
    first = NEG(X)
    kept = first.copy()
    first_again = NEG(X * 2)
    np.testing.assert_array_equal(first, kept)
    first[:] = 0
    np.testing.assert_array_equal(first_again, -2 * X)
    assert first_again.flags.writeable


def test_an_input_that_is_an_output():
    identity = engine.load(one_node("Identity", [X]))
    y = identity(X)
    assert not np.shares_memory(y, X)
    np.testing.assert_array_equal(y, X)


def test_zero_batch():
    assert NEG(np.zeros((0, 4), np.float32)).shape == (0, 4)
    weights = np.ones((4, 7), np.float32)
    product = engine.load(one_node("MatMul", [X, weights], constants=(1,)))
    assert product(np.zeros((0, 4), np.float32)).shape == (0, 7)
    np.testing.assert_array_equal(product(X), X @ weights)


def test_many_shapes_one_after_another():
    for rows in (1, 5, 2, 64, 0, 3, 5):
        x = np.full((rows, 3), rows, np.float32)
        np.testing.assert_array_equal(NEG(x), -x)


def test_strings():
    text = np.array([["a", "\u00e9\u4e2d"], ["", "long " * 50]], dtype=object)
    identity = engine.load(one_node("Identity", [text]))
    for form in (text, text.astype(str), text[::-1, ::-1]):
        assert identity(form).tolist() == form.tolist()
    assert identity(np.array([[b"raw"]], dtype=object)).tolist() == [["raw"]]
    with pytest.raises(engine.InvalidInput, match="an element is int; a string is wanted"):
        identity(np.array([[1]], dtype=object))
    with pytest.raises(engine.InvalidInput, match="the model wants string"):
        identity(X)


def test_sequences():
    element = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
    sequence = helper.make_sequence_type_proto(element)
    nodes = [
        helper.make_node("SequenceAt", ["s", "i"], ["item"]),
        helper.make_node("SequenceInsert", ["s", "item"], ["longer"]),
    ]
    model = load_graph(
        nodes,
        [helper.make_value_info("s", sequence), helper.make_tensor_value_info("i", TensorProto.INT64, [])],
        [onnx.ValueInfoProto(name="item"), helper.make_value_info("longer", sequence)],
    )
    answer = model.run({"s": [X, X[:1]], "i": np.int64(1)})
    np.testing.assert_array_equal(answer["item"], X[:1])
    assert [part.shape for part in answer["longer"]] == [(3, 4), (1, 4), (1, 4)]
    with pytest.raises(engine.InvalidInput, match="'s'.*wants a list"):
        model.run({"s": X, "i": np.int64(0)})
    with pytest.raises(engine.InvalidInput, match="SequenceAt"):
        model.run({"s": [X], "i": np.int64(3)})


def test_optionals():
    optional = helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [None, None]))
    model = load_graph(
        [helper.make_node("OptionalHasElement", ["o"], ["there"])],
        [helper.make_value_info("o", optional)],
        [helper.make_tensor_value_info("there", TensorProto.BOOL, [])],
    )
    assert model.run({"o": X})["there"]
    assert not model.run({"o": None})["there"]
    assert not model.run({})["there"]


def test_profile_and_plan():
    outputs, text = SUB.profile({"x0": X, "x1": X})
    np.testing.assert_array_equal(outputs["y0"], X * 0)
    assert "Sub" in text
    plan = SUB.plan({"x0": X, "x1": X})
    assert plan["steps"] == 1 == plan["text"].count("\n")
    assert plan["arena_bytes"] >= 0
