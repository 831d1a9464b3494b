"""Real models, read as the onnx package reads them."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import pytest

from reading import ZOO_MODELS, array, constants, names, oracle, read, same

pytestmark = pytest.mark.skipif(not ZOO_MODELS, reason="ENGINE_ZOO names no folder of models")

CONSTANT_KEYS = {"value", "value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings"}


def constant_of(node: onnx.NodeProto) -> np.ndarray:
    value = node.attribute[0]
    if value.name == "value":
        return oracle(value.t)
    if value.name == "value_float":
        return np.array(value.f, np.float32)
    if value.name == "value_floats":
        return np.array(value.floats, np.float32)
    if value.name == "value_int":
        return np.array(value.i, np.int64)
    assert value.name == "value_ints"
    return np.array(value.ints, np.int64)


def check_attributes(node: onnx.NodeProto, found: dict) -> None:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            continue
        value = found["attributes"][attribute.name]
        wanted = onnx.helper.get_attribute_value(attribute)
        if attribute.type == onnx.AttributeProto.TENSOR:
            assert same(array(value[0]), oracle(wanted))
        else:
            np.testing.assert_equal(value, wanted)


def check_graph(graph: onnx.GraphProto, found: dict, outer: dict) -> None:
    wanted = outer | {t.name: oracle(t) for t in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            wanted[node.output[0]] = constant_of(node)
        else:
            nodes.append(node)
    for name, value in constants(found).items():
        assert same(value, wanted[name]), name
    own = {t.name for t in graph.initializer}
    assert own <= set(constants(found))
    formal = [i.name for i in graph.input if i.name not in own]
    assert names(found, found["inputs"])[: len(formal)] == formal
    assert names(found, found["outputs"]) == [o.name for o in graph.output]
    assert len(nodes) == len(found["nodes"])
    for node, got in zip(nodes, found["nodes"], strict=True):
        assert (got["op_type"], got["domain"]) == (node.op_type, node.domain)
        if node.name:
            assert got["name"] == node.name
        own_inputs = got["inputs"][: len(got["inputs"]) - got["captures"]]
        assert names(found, own_inputs) == [name or None for name in node.input]
        assert names(found, got["outputs"]) == [name or None for name in node.output]
        check_attributes(node, got)
        bodies = {a.name: a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH}
        assert set(bodies) == set(got["bodies"])
        captured = names(found, got["inputs"][len(own_inputs) :])
        for name, body in bodies.items():
            inner = got["bodies"][name]
            assert names(inner, inner["inputs"])[len(body.input) :] == captured
            check_graph(body, inner, wanted)


@pytest.mark.parametrize("path", ZOO_MODELS, ids=lambda p: p.parent.name)
def test_zoo_model(path):
    data = path.read_bytes()
    model = onnx.load_from_string(data)
    found = read(path)
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert found["opsets"] == {o.domain: o.version for o in model.opset_import}
    assert found["ir_version"] == model.ir_version
    assert found["producer_name"] == model.producer_name
    assert found["metadata_props"] == [(p.key, p.value) for p in model.metadata_props]
    check_graph(model.graph, found["graph"], {})


@pytest.mark.parametrize("path", [p for p in ZOO_MODELS if p.stat().st_size < 5e6], ids=lambda p: p.parent.name)
def test_bytes_read_like_the_file(path):
    from_file = read(path)
    from_bytes = read(path.read_bytes())
    assert repr(strip(from_file)) == repr(strip(from_bytes))  # NaN is equal to itself


def strip(described: dict) -> dict:
    for value in described["graph"]["values"]:
        value.pop("aligned")
    return {k: v for k, v in described.items() if not k.startswith("memory")}
