"""Bodies of control flow: what they capture, in which order, and that they still mean the same."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from reading import constants, lines, names, read
from rebuilding import assert_same_meaning, evaluate, rebuild
from test_reader import fails, parse

X = np.array([1.0, -2.0, 3.0], np.float32)


def captured(graph: dict, node: dict) -> list:
    return names(graph, node["inputs"][len(node["inputs"]) - node["captures"] :])


def check(model: onnx.ModelProto, *inputs: np.ndarray) -> dict:
    found = read(model)
    assert_same_meaning(model, found, list(inputs))
    return found["graph"]


def test_all_bodies_get_all_captures_in_one_order():
    model = parse(
        """g (bool c, float[3] x, float[3] z) => (float[3] y) {
        y = If (c) <then_branch = t () => (float[3] p) { p = Add(z, x) }, else_branch = e () => (float[3] q) { q = Neg(x) }> }"""
    )
    for condition in (True, False):
        graph = check(model, np.array(condition), X, 2 * X)
    node = graph["nodes"][0]
    assert captured(graph, node) == ["z", "x"]
    for body in node["bodies"].values():
        assert names(body, body["inputs"]) == ["z", "x"]
    assert lines(node["bodies"]["else_branch"]) == [("Neg", ["x"], ["q"])]


def test_constants_are_shared_not_captured():
    model = parse(
        """g (bool c, float[3] x) => (float[3] y) { k = Constant <value = float[1] {2.0}> ()
        y = If (c) <then_branch = t () => (float[3] p) { p = Mul(k, w) }, else_branch = e () => (float[3] q) { q = Neg(x) }> }"""
    )
    model.graph.initializer.append(numpy_helper.from_array(X, "w"))
    for condition in (True, False):
        graph = check(model, np.array(condition), X)
    node = graph["nodes"][0]
    assert captured(graph, node) == ["x"]
    assert set(constants(node["bodies"]["then_branch"])) == {"k", "w"}
    assert constants(node["bodies"]["else_branch"]) == {}


def test_captures_pass_through_every_level():
    model = parse(
        """g (bool c, float[3] x) => (float[3] y) {
        y = If (c) <
            then_branch = t () => (float[3] p) { r = Neg(x)
                p = If (c) <then_branch = tt () => (float[3] u) { u = Add(x, r) }, else_branch = te () => (float[3] v) { v = Abs(x) }> },
            else_branch = e () => (float[3] q) { q = Neg(x) }> }"""
    )
    for condition in (True, False):
        graph = check(model, np.array(condition), X)
    outer = graph["nodes"][0]
    assert captured(graph, outer) == ["x", "c"]
    body = outer["bodies"]["then_branch"]
    inner = body["nodes"][1]
    assert captured(body, inner) == ["x", "r"]
    assert names(inner["bodies"]["else_branch"], inner["bodies"]["else_branch"]["inputs"]) == ["x", "r"]


def test_body_outputs_that_are_captured_values_or_constants():
    model = parse(
        """g (bool c, float[3] x) => (float[3] y, float[3] z) {
        y, z = If (c) <then_branch = t () => (float[3] x, float[3] w) { }, else_branch = e () => (float[3] x, float[3] x) { }> }"""
    )
    model.graph.initializer.append(numpy_helper.from_array(X, "w"))
    for condition in (True, False):
        found = read(model)["graph"]
        body = found["nodes"][0]["bodies"]["then_branch"]
        assert names(body, body["outputs"]) == ["x", "w"]
        plain = parse(
            """g (bool c, float[3] x) => (float[3] y, float[3] z) { y, z = If (c) <
            then_branch = t () => (float[3] a, float[3] b) { a = Identity(x) b = Identity(w) },
            else_branch = e () => (float[3] d, float[3] f) { d = Identity(x) f = Identity(x) }> }"""
        )
        plain.graph.initializer.append(numpy_helper.from_array(X, "w"))
        assert_same_meaning(plain, read(model), [np.array(condition), 3 * X])


def test_loop_with_captures_and_body_inputs_given_out():
    model = parse(
        """g (int64 n, float[3] x, float[3] k) => (float[3] y, z) {
        t = Constant <value = bool {1}> ()
        y, z = Loop (n, t, x) <body = b (int64 i, bool c, float[3] a) => (bool c, float[3] s, float[3] a) { s = Add(a, k) }> }"""
    )
    graph = read(model)["graph"]
    node = graph["nodes"][0]
    body = node["bodies"]["body"]
    assert names(body, body["inputs"]) == ["i", "c", "a", "k"]
    assert names(body, body["outputs"]) == ["c", "s", "a"]
    assert captured(graph, node) == ["k"]
    found = evaluate(rebuild(read(model)), [np.array(3), X, X])
    np.testing.assert_array_equal(found[0], 4 * X)
    np.testing.assert_array_equal(found[1], np.stack([X, 2 * X, 3 * X]))


def test_scan():
    model = parse(
        """g (float[3] x, float[4, 3] s, float[3] k) => (float[3] y, float[4, 3] z) {
        y, z = Scan <num_scan_inputs = 1, body = b (float[3] a, float[3] e) => (float[3] o, float[3] p) { o = Add(a, e)  p = Mul(o, k) }> (x, s) }"""
    )
    graph = check(model, X, np.arange(12, dtype=np.float32).reshape(4, 3), X)
    assert captured(graph, graph["nodes"][0]) == ["k"]


def test_inner_names_come_before_outer_ones():
    model = parse(
        """g (bool c, float[3] x) => (float[3] y) { v = Neg(x)
        y = If (c) <then_branch = t () => (float[3] p) { v = Abs(x)  p = Add(v, v) }, else_branch = e () => (float[3] q) { q = Add(v, v) }> }"""
    )
    for condition in (True, False):
        check(model, np.array(condition), X)


def test_body_uses_a_value_that_is_made_further_down():
    model = parse(
        """g (bool c, float[3] x) => (float[3] y) {
        y = If (c) <then_branch = t () => (float[3] p) { p = Add(v, x) }, else_branch = e () => (float[3] q) { q = Neg(x) }>
        v = Neg(x) }"""
    )
    graph = read(model)["graph"]
    assert [n["op_type"] for n in graph["nodes"]] == ["Neg", "If"]


def test_body_inputs_with_an_initializer_stay_inputs():
    model = parse(
        """g (int64 n, float[3] x) => (float[3] y) { t = Constant <value = bool {1}> ()
        y = Loop (n, t, x) <body = b (int64 i, bool c, float[3] a) => (bool d, float[3] s) { d = Identity(c)  s = Add(a, a) }> }"""
    )
    body = next(a.g for n in model.graph.node for a in n.attribute if a.name == "body")
    body.initializer.append(numpy_helper.from_array(X, "a"))
    node = read(model)["graph"]["nodes"][0]
    assert names(node["bodies"]["body"], node["bodies"]["body"]["inputs"]) == ["i", "c", "a"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "then_branch = t () => (float[3] p) { p = Add(x, gone) }",
            ["(If)", "body 'then_branch'", "'gone', is never defined"],
        ),
        ("then_branch = t () => (float[3] p) { q = Neg(x) }", ["body 'then_branch'", "output 'p' is never produced"]),
        ("then_branch = t () => (float[3] p) { p = Neg(y) }", ["cycle"]),
    ],
)
def test_broken_bodies(text, parts):
    source = (
        "g (bool c, float[3] x) => (float[3] y) { y = If (c) <"
        + text
        + ", else_branch = e () => (float[3] q) { q = Neg(x) }> }"
    )
    fails(parse(source), "InvalidModel", *parts)


def test_siblings_do_not_see_each_other():
    fails(
        parse(
            """g (bool c, float[3] x) => (float[3] y) { y = If (c) <then_branch = t () => (float[3] p) { p = Neg(x) },
            else_branch = e () => (float[3] q) { q = Neg(p) }> }"""
        ),
        "InvalidModel",
        "'p', is never defined",
    )


def nested(depth: int) -> onnx.ModelProto:
    model = parse("g (bool c, float[3] x) => (float[3] y) { y = Neg(x) }")
    body = onnx.parser.parse_graph("b () => (float[3] o0) { o0 = Neg(x) }")
    for level in range(1, depth):
        other = onnx.GraphProto(name="e")
        other.output.add(name="x")
        node = helper.make_node("If", ["c"], [f"o{level}"], then_branch=body, else_branch=other)
        body = onnx.GraphProto(name="b", node=[node])
        body.output.add(name=f"o{level}")
    model.graph.node[0].CopyFrom(body.node[0])
    model.graph.node[0].output[0] = "y"
    return model


def test_depth_is_bounded():
    assert read(nested(30))
    # Deeper than the onnx package itself can write: the message is put together by hand.
    fails(deep_bytes(100), "InvalidModel", "nested deeper than 48 levels")
    fails(deep_bytes(100_000), "InvalidModel", "nested deeper than 48 levels")


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def deep_bytes(depth: int) -> bytes:
    """If inside If inside If ...: built from the inside out, as pieces, since each level only adds a head."""
    heads, size = [], 0
    for _ in range(depth):
        for number, extra in ((6, b""), (5, b"\x22\x02If"), (1, b"")):
            # graph in attribute; attribute in node, behind the operator's name; node in graph
            head = extra_head(number, size, extra)
            heads.append(head)
            size += len(head)
    graph = b"".join(reversed(heads))
    return b"\x08\x0a\x42\x02\x10\x15" + b"\x3a" + varint(size) + graph


def extra_head(number: int, size: int, extra: bytes) -> bytes:
    name = b"\x0a\x01b\xa0\x01\x05" if number == 6 else b""
    return name + extra + varint(number << 3 | 2) + varint(size)


def test_every_control_flow_case_of_the_standard():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = [c for c in collect_testcases(None) if has_bodies(c.model)]
        assert len(cases) > 20
        checked = 0
        for case in cases:
            inputs = list(case.data_sets[0][0])
            try:
                evaluate(case.model, inputs)
            except RuntimeError:
                continue  # the reference itself cannot run a few expanded functions
            assert_same_meaning(case.model, read(case.model), inputs)
            checked += 1
        assert checked > 20


def has_bodies(model: onnx.ModelProto) -> bool:
    return any(a.type == onnx.AttributeProto.GRAPH for n in model.graph.node for a in n.attribute)
