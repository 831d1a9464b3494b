"""Model-local functions are inlined: the graph that is read computes what the model says."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine import _testing
from reading import constants, lines, read
from rebuilding import assert_same_meaning
from test_reader import fails, parse

HEADER = '<ir_version: 10, opset_import: ["" : 21, "f" : 1, "h" : 1]>'
X = np.array([1.0, -2.0, 3.0], np.float32)


def model(text: str, header: str = HEADER) -> onnx.ModelProto:
    return parse(text, header)


def check(text: str, *inputs: np.ndarray, like: str | None = None) -> dict:
    """The graph of `text`, which must compute what onnx says that it does, or what `like` does where onnx is at a loss."""
    source = model(text)
    found = read(source)
    assert all(n["domain"] not in ("f", "h") for n in found["graph"]["nodes"])
    assert_same_meaning(model(like) if like else source, found, list(inputs) or [X])
    return found["graph"]


TWICE = """<domain: "f", opset_import: ["" : 21]> twice (a) => (b) { t = Abs(a)  b = Add(t, t) }"""


def test_call():
    graph = check("g (float[3] x) => (float[3] y) { y = f.twice(x) }" + TWICE)
    assert lines(graph) == [("Abs", ["x"], ["twice#1/t"]), ("Add", ["twice#1/t", "twice#1/t"], ["y"])]
    assert [n["name"] for n in graph["nodes"]] == ["twice#1/Abs#2", "twice#1/Add#3"]


def test_names_of_several_calls_do_not_clash():
    source = model("g (float[3] x) => (float[3] z) { y = f.twice(x)  z = f.twice(y) }" + TWICE)
    for node in source.graph.node:
        node.name = "same"
    source.graph.node.insert(0, helper.make_node("Neg", ["x"], ["same/t"]))
    found = read(source)
    names = [v["name"] for v in found["graph"]["values"]]
    assert len(set(names)) == len(names)
    assert_same_meaning(source, found, [X])


def test_nested_calls():
    check(
        "g (float[3] x) => (float[3] y) { y = h.four(x) }"
        + TWICE
        + """<domain: "h", opset_import: ["" : 21, "f": 1]> four (a) => (c) { b = f.twice(a)  c = f.twice(b) }"""
    )


def test_inputs_and_outputs_left_out():
    text = """<domain: "f", opset_import: ["" : 21]> clip (a, lo, hi) => (b, c) { b = Clip(a, lo, hi)  c = Neg(b) }"""
    zero = np.zeros((), np.float32)
    graph = check("g (float[3] x, float lo) => (float[3] y) { y = f.clip(x, lo) }" + text, X, zero)
    assert lines(graph)[0][1] == ["x", "lo", None]
    graph = check('g (float[3] x, float hi) => (float[3] y) { y, n = f.clip(x, "", hi) }' + text, X, zero)
    assert lines(graph)[0][1] == ["x", None, "hi"]
    graph = check('g (float[3] x) => (float[3] n) { "", n = f.clip(x) }' + text)
    assert lines(graph)[1][0] == "Neg"


LEAKY = (
    """<domain: "f", opset_import: ["" : 21]> leaky <alpha> (a) => (b) { b = LeakyRelu <alpha : float = @alpha> (a) }"""
)
LEAKY_DEFAULT = """<domain: "f", opset_import: ["" : 21]> leaky <alpha : float = 0.5> (a) => (b) { b = LeakyRelu <alpha : float = @alpha> (a) }"""


def alphas(graph: dict) -> list:
    return [n["attributes"].get("alpha") for n in graph["nodes"] if n["op_type"] == "LeakyRelu"]


def test_attribute_references():
    call = "g (float[3] x) => (float[3] y) { y = f.leaky <alpha = 0.25> (x) }"
    plain = "g (float[3] x) => (float[3] y) { y = LeakyRelu <alpha = %s> (x) }"
    assert alphas(check(call + LEAKY)) == [0.25]
    assert alphas(check(call + LEAKY_DEFAULT, like=plain % 0.25)) == [0.25]
    call = "g (float[3] x) => (float[3] y) { y = f.leaky (x) }"
    assert alphas(check(call + LEAKY, like=plain % 0.01)) == [None]
    assert alphas(check(call + LEAKY_DEFAULT, like=plain % 0.5)) == [0.5]


def test_attribute_references_through_calls():
    outer = """<domain: "h", opset_import: ["" : 21, "f" : 1]> go <slope : float = 0.125> (a) => (b) { b = f.leaky <alpha : float = @slope> (a) }"""
    for call, wanted in (("h.go <slope = 0.75> (x)", 0.75), ("h.go (x)", 0.125)):
        plain = f"g (float[3] x) => (float[3] y) {{ y = LeakyRelu <alpha = {wanted}> (x) }}"
        graph = check("g (float[3] x) => (float[3] y) { y = " + call + " }" + LEAKY_DEFAULT + outer, like=plain)
        assert alphas(graph) == [wanted]


def test_constants_that_refer_to_attributes():
    text = """<domain: "f", opset_import: ["" : 21]> plus <v : float = 2.0> (a) => (b) { c = Constant <value_float : float = @v> ()  b = Add(a, c) }"""
    plain = "g (float[3] x) => (float[3] y) { c = Constant <value_float = 7.0> ()  y = Add(x, c) }"
    graph = check("g (float[3] x) => (float[3] y) { t = f.plus <v = 5.0> (x)  y = f.plus (t) }" + text, like=plain)
    assert sorted(float(c) for c in constants(graph).values()) == [2.0, 5.0]


def test_constants_of_a_function_are_shared_by_its_calls():
    text = """<domain: "f", opset_import: ["" : 21]> plus (a) => (b) { c = Constant <value = float[1] {7.0}> ()  b = Add(a, c) }"""
    graph = check("g (float[3] x) => (float[3] y) { t = f.plus (x)  y = f.plus (t) }" + text)
    assert len(constants(graph)) == 2


def test_outputs_that_are_inputs_or_constants():
    text = """<domain: "f", opset_import: ["" : 21]> odd (a) => (a, c, b) { c = Constant <value = float[1] {7.0}> ()  b = Neg(a) }"""
    plain = """g (float[3] x) => (float[3] y, float[1] c, float[3] z) { y = Identity(x)  z = Neg(x)
        c = Constant <value = float[1] {7.0}> () }"""
    graph = check("g (float[3] x) => (float[3] y, float[1] c, float[3] z) { y, c, z = f.odd (x) }" + text, like=plain)
    assert [n["op_type"] for n in graph["nodes"]] == ["Neg", "Identity"]


def test_functions_bring_their_opsets():
    text = """<domain: "f", opset_import: ["" : 13]> old (a) => (b) { b = Relu(a) }"""
    graph = check("g (float[3] x) => (float[3] y) { t = Relu(x)  y = f.old (t) }" + text)
    assert [n["opset"] for n in graph["nodes"]] == [21, 13]


def test_overloads():
    source = model("g (float[3] x) => (float[3] y, float[3] z) { y = f.op (x)  z = f.op (x) }")
    source.graph.node[0].overload = "a"
    source.graph.node[1].overload = "b"
    for overload, op in (("a", "Neg"), ("b", "Abs")):
        function = helper.make_function(
            "f", "op", ["p"], ["q"], [helper.make_node(op, ["p"], ["q"])], [helper.make_opsetid("", 21)]
        )
        function.overload = overload
        source.functions.append(function)
    assert [n["op_type"] for n in read(source)["graph"]["nodes"]] == ["Neg", "Abs"]
    source.graph.node[0].overload = "c"
    found = read(source)["graph"]["nodes"][0]
    assert (found["domain"], found["op_type"]) == ("f", "op")


def test_functions_inside_bodies_and_bodies_inside_functions():
    text = """
        <domain: "f", opset_import: ["" : 21, "h" : 1]> pick (c, a) => (b) {
            k = Constant <value = float[1] {2.0}> ()
            m = Mul(a, k)
            b = If (c) <then_branch = t () => (float[3] p) { p = h.twice(m) }, else_branch = e () => (float[3] q) { q = Add(a, k) }>
        }
        <domain: "h", opset_import: ["" : 21]> twice (a) => (b) { b = Add(a, a) }
        """
    call = """g (bool c, float[3] x) => (float[3] y) {
        y = If (c) <then_branch = t () => (float[3] p) { z = Not(c)  p = f.pick(z, x) }, else_branch = e () => (float[3] q) { q = f.pick(c, x) }> }"""
    for condition in (True, False):
        check(call + text, np.array(condition), X)


def test_body_uses_an_input_that_the_call_leaves_out():
    text = """<domain: "f", opset_import: ["" : 21]> clip (c, a, lo) => (b) {
        b = If (c) <then_branch = t () => (float[3] p) { p = Clip(a, lo) }, else_branch = e () => (float[3] q) { q = Neg(a) }> }"""
    graph = read(model("g (bool c, float[3] x) => (float[3] y) { y = f.clip (c, x) }" + text))["graph"]
    assert lines(graph["nodes"][0]["bodies"]["then_branch"]) == [("Clip", ["x", None], ["p"])]


def test_graph_given_as_an_attribute():
    """The body is written where the call is, and means the names of that place."""
    source = model("g (bool c, float[3] x) => (float[3] y) { k = Abs(x)  y = f.choose(c, x) }")
    body = onnx.parser.parse_graph("t () => (float[3] p) { p = Add(x, k) }")
    source.graph.node[1].attribute.append(helper.make_attribute("yes", body))
    inner = onnx.parser.parse_graph("e () => (float[3] q) { q = Neg(a) }")
    choose = helper.make_node("If", ["cond"], ["r"])
    choose.attribute.add(name="then_branch", ref_attr_name="yes", type=onnx.AttributeProto.GRAPH)
    choose.attribute.append(helper.make_attribute("else_branch", inner))
    source.functions.append(
        helper.make_function("f", "choose", ["cond", "a"], ["r"], [choose], [helper.make_opsetid("", 21)], ["yes"])
    )
    plain = model(
        """g (bool c, float[3] x) => (float[3] y) { k = Abs(x)
        y = If (c) <then_branch = t () => (float[3] p) { p = Add(x, k) }, else_branch = e () => (float[3] q) { q = Neg(x) }> }"""
    )
    found = read(source)
    for condition in (True, False):
        assert_same_meaning(plain, found, [np.array(condition), X])
    # The same one level deeper: the body passes through a graph between.
    deep = helper.make_node("If", ["cond"], ["r"])
    for name in ("then_branch", "else_branch"):
        wrapped = onnx.GraphProto(name=name)
        wrapped.node.add().CopyFrom(choose)
        wrapped.node[0].output[0] = "s" + name
        wrapped.output.add(name="s" + name)
        deep.attribute.append(helper.make_attribute(name, wrapped))
    source.functions[0].node[0].CopyFrom(deep)
    found = read(source)
    for condition in (True, False):
        assert_same_meaning(plain, found, [np.array(condition), X])


def test_a_local_function_comes_before_the_operator_of_its_name():
    source = model("g (float[3] x) => (float[3] y) { y = Relu(x) }")
    source.functions.append(
        helper.make_function(
            "", "Relu", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["b"])], [helper.make_opsetid("", 21)]
        )
    )
    assert [n["op_type"] for n in read(source)["graph"]["nodes"]] == ["Neg"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('y = f.r(x) } <domain: "f", opset_import: ["" : 21, "f" : 1]> r (a) => (b) { b = f.r(a) }', ["calls itself"]),
        (
            """y = f.r(x) } <domain: "f", opset_import: ["h" : 1]> r (a) => (b) { b = h.s(a) }
            <domain: "h", opset_import: ["f" : 1]> s (a) => (b) { b = f.r(a) }""",
            ["calls itself"],
        ),
        ("y = f.twice(x, x) }" + TWICE, ["(f.twice)", "gives 2 inputs, the function takes 1"]),
        ("y, z = f.twice(x) }" + TWICE, ["takes 2 outputs, the function has 1"]),
        ("y = f.twice(gone) }" + TWICE, ["'gone', is never defined"]),
        ("y = f.twice(x) }" + TWICE + TWICE, ["'twice'", "defined twice"]),
        (
            'y = f.n(x) } <domain: "f", opset_import: ["" : 21]> n (a) => (b) { c = Neg(a) }',
            ["never produces its output 'b'"],
        ),
        ('y = f.n(x) } <domain: "f", opset_import: ["" : 21]> n (a) => (b) { b = Neg(x) }', ["'x', is never defined"]),
        ('y = f.n(x) } <domain: "f", opset_import: ["" : 21]> n (a, a) => (b) { b = Neg(a) }', ["two inputs 'a'"]),
        ('y, z = f.n(x) } <domain: "f", opset_import: ["" : 21]> n (a) => (b, b) { b = Neg(a) }', ["two outputs 'b'"]),
        (
            'y = f.n(x) } <domain: "f", opset_import: ["" : 21]> n (a) => (b) { b = Neg(a)  b = Abs(a) }',
            ["'b' is defined twice"],
        ),
        (
            'y = f.n(x) } <domain: "f", opset_import: ["" : 21]> n (a) => (b) { b = odd.Neg(a) }',
            ["no opset for domain 'odd'"],
        ),
        (
            'y = f.n(x) } <domain: "f", opset_import: ["" : 21]> n (a) => (b) { b = LeakyRelu <alpha : float = @none> (a) }',
            ["'none'", "does not declare"],
        ),
        (
            'y = f.n<z = 1>(x) } <domain: "f", opset_import: ["" : 21]> n <z> (a) => (b) { b = LeakyRelu <alpha : float = @z> (a) }',
            ["is FLOAT", "is INT"],
        ),
        ("y = LeakyRelu <alpha : float = @alpha> (x) }", ["'alpha'", "is in none"]),
    ],
)
def test_broken_functions(text, parts):
    fails(model("g (float[3] x) => (float[3] y) { " + text), "InvalidModel", *parts)


def laughs(levels: int, calls: int) -> onnx.ModelProto:
    source = model("g (float[3] x) => (float[3] y) { y = f.l0(x) }")
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("f", 1)]
    for level in range(levels):
        nodes = [helper.make_node(f"l{level + 1}", [f"v{i}"], [f"v{i + 1}"], domain="f") for i in range(calls)]
        source.functions.append(helper.make_function("f", f"l{level}", ["v0"], [f"v{calls}"], nodes, opsets))
    last = [helper.make_node("Neg", ["v0"], ["v1"])]
    source.functions.append(helper.make_function("f", f"l{levels}", ["v0"], ["v1"], last, opsets))
    return source


def test_expansion_is_bounded():
    assert len(read(laughs(3, 10))["graph"]["nodes"]) == 1000
    fails(laughs(9, 10), "InvalidModel", "too large")
    fails(laughs(60, 1), "InvalidModel", "nested deeper than 48 levels")


def test_expansion_without_nodes_is_bounded():
    source = laughs(30, 2)
    source.functions[-1].ClearField("node")
    source.functions[-1].output[0] = "v0"
    fails(source, "InvalidModel", "too large")


def test_attributes_multiplied_by_calls_are_bounded():
    source = model("g (float[3] x) => (float[3] y) { y = f.l0(x) }")
    source.graph.node[0].attribute.append(helper.make_attribute("big", list(range(300_000))))
    nodes = []
    for i in range(2000):
        node = helper.make_node("Foo", ["v0"], [f"v{i + 1}"])
        node.attribute.add(name="axes", ref_attr_name="big", type=onnx.AttributeProto.INTS)
        nodes.append(node)
    source.functions.append(
        helper.make_function("f", "l0", ["v0"], ["v2000"], nodes, [helper.make_opsetid("", 21)], ["big"])
    )
    fails(source, "InvalidModel", "too large", "bytes of decoded constants")


def test_long_names_multiplied_by_calls_are_bounded():
    source = laughs(16, 2)
    for function in source.functions:
        for i, node in enumerate(function.node):
            node.name = str(i) * 60_000
    with pytest.raises(_testing.ReadError, match="too large"):
        read(source)


def test_sequence_of_tensor_attribute_by_reference():
    text = """<domain: "f", opset_import: ["" : 21]> c <t> (a) => (b) { k = Constant <value : tensor = @t> ()  b = Add(a, k) }"""
    source = model("g (float[3] x) => (float[3] y) { y = f.c(x) }" + text)
    tensor = helper.make_tensor("", TensorProto.FLOAT, [3], [1, 2, 3])
    source.graph.node[0].attribute.append(helper.make_attribute("t", tensor))
    assert_same_meaning(source, read(source), [X])
