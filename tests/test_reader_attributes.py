"""Attributes of every kind, in every encoding, and contradictions in them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from engine import _testing
from reading import array, read, same
from test_reader import fails, parse


def node_model(*attributes: AttributeProto) -> onnx.ModelProto:
    model = parse("g (float[1] x) => (float[1] y) { y = Foo(x) }")
    model.graph.node[0].attribute.extend(attributes)
    return model


def read_attributes(*attributes: AttributeProto) -> dict:
    return read(node_model(*attributes))["graph"]["nodes"][0]["attributes"]


def test_every_kind():
    tensor = numpy_helper.from_array(np.arange(3, dtype=np.int8))
    sparse = onnx.SparseTensorProto(
        values=numpy_helper.from_array(np.ones(1, np.float32)), indices=numpy_helper.from_array(np.array([1])), dims=[2]
    )
    type_proto = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [2]))
    found = read_attributes(
        helper.make_attribute("f", 1.5),
        helper.make_attribute("i", -7),
        helper.make_attribute("s", b"a\0\xff"),
        helper.make_attribute("t", tensor),
        helper.make_attribute("sp", sparse),
        helper.make_attribute("tp", type_proto),
        helper.make_attribute("fs", [1.0, float("nan"), float("-inf")]),
        helper.make_attribute("is", [1, -(1 << 63), (1 << 63) - 1]),
        helper.make_attribute("ss", ["a", ""]),
        helper.make_attribute("ts", [tensor, tensor]),
        helper.make_attribute("sps", [sparse]),
        helper.make_attribute("tps", [type_proto, type_proto]),
        helper.make_attribute("none", [], attr_type=AttributeProto.FLOATS),
    )
    assert found["f"] == 1.5
    assert found["i"] == -7
    assert found["s"] == b"a\0\xff"
    assert same(array(found["t"][0]), np.arange(3, dtype=np.int8))
    assert same(array(found["sp"][0]), np.array([0, 1], np.float32))
    assert found["tp"] == ["seq(tensor(float32)[2])"]
    np.testing.assert_array_equal(found["fs"], [1, np.nan, -np.inf])
    assert found["is"] == [1, -(1 << 63), (1 << 63) - 1]
    assert found["ss"] == [b"a", b""]
    assert len(found["ts"]) == 2
    assert len(found["sps"]) == 1
    assert len(found["tps"]) == 2
    assert found["none"] == []


def test_graphs_become_bodies():
    body = onnx.parser.parse_graph("b (float[1] a) => (float[1] r) { r = Add(a, x) }")
    node = read(node_model(helper.make_attribute("graphs", [body, body])))["graph"]["nodes"][0]
    assert list(node["bodies"]) == ["graphs"]
    assert node["captures"] == 1
    assert node["attributes"] == {}


@pytest.mark.parametrize("kind", [AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.STRING])
def test_zeros_that_writers_leave_out(kind):
    value = read_attributes(AttributeProto(name="a", type=kind))["a"]
    assert value == {AttributeProto.FLOAT: 0.0, AttributeProto.INT: 0, AttributeProto.STRING: b""}[kind]


@pytest.mark.parametrize("value", [2.5, 3, "s", [1.5], [1, 2], ["a"], numpy_helper.from_array(np.ones(2))])
def test_kinds_that_old_writers_leave_out(value):
    attribute = helper.make_attribute("a", value)
    wanted = read_attributes(attribute)
    attribute.ClearField("type")
    assert read_attributes(attribute) == wanted


def test_packed_lists():
    attribute = b"\x0a\x01a" + b"\x42\x04\x01\x02\xac\x02" + b"\xa0\x01\x07"
    other = b"\x0a\x01b" + b"\x3a\x08" + np.array([1, 2], np.float32).tobytes() + b"\xa0\x01\x06"
    node = b"\x0a\x01x\x12\x01y\x22\x03Foo" + b"".join(b"\x2a" + bytes([len(a)]) + a for a in (attribute, other))
    rest = node_model()
    rest.graph.ClearField("node")
    graph = rest.graph.SerializeToString() + b"\x0a" + bytes([len(node)]) + node
    rest.ClearField("graph")
    found = _testing.read_model(rest.SerializeToString() + b"\x3a" + bytes([len(graph)]) + graph)
    assert found["graph"]["nodes"][0]["attributes"] == {"a": [1, 2, 300], "b": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("attribute", "part"),
    [
        (AttributeProto(name="a"), "neither kind nor value"),
        (AttributeProto(type=AttributeProto.INT, i=1), "an attribute has no name"),
        (AttributeProto(name="a", type=AttributeProto.FLOAT, i=1), "holds INT and is said to be FLOAT"),
        (
            AttributeProto(name="a", type=AttributeProto.INTS, ints=[1], floats=[1.0]),
            "holds FLOATS and is said to be INTS",
        ),
        (AttributeProto(name="a", ints=[1], floats=[1.0]), "holds INTS and is said to be FLOATS"),
        (AttributeProto(name="a", type=AttributeProto.TENSOR), "has no value"),
        (AttributeProto(name="a", type=AttributeProto.GRAPH), "has no value"),
        (AttributeProto(name="a", type=AttributeProto.TYPE_PROTO), "has no value"),
        (AttributeProto(name="a", ref_attr_name="b", i=1), "reference and has a value"),
        (AttributeProto(name="a", type=AttributeProto.TENSOR, t=TensorProto(data_type=1, dims=[1])), "needs 1"),
    ],
)
def test_contradictions(attribute, part):
    fails(node_model(attribute), "InvalidModel", "(Foo)", part)


def test_unknown_kind():
    data = node_model(helper.make_attribute("a", 1)).SerializeToString()
    assert data.count(b"\xa0\x01\x02") == 1
    fails(data.replace(b"\xa0\x01\x02", b"\xa0\x01\x0f"), "InvalidModel", "kind 15")


def test_number_of_attributes_is_bounded():
    assert len(read_attributes(*(helper.make_attribute(f"a{i}", i) for i in range(1024)))) == 1024
    fails(node_model(*(helper.make_attribute(f"a{i}", i) for i in range(1025))), "InvalidModel", "1025 attributes")


def test_attribute_twice():
    fails(
        node_model(helper.make_attribute("a", 1), helper.make_attribute("a", 2)), "InvalidModel", "'a' is given twice"
    )


def test_unsupported_type_in_an_attribute():
    proto = helper.make_sparse_tensor_type_proto(TensorProto.FLOAT, [2])
    fails(node_model(helper.make_attribute("a", proto)), "UnsupportedOperator", "'a'", "sparse")
