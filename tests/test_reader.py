"""Graphs: names, order, constants, types, versions, and what is said when they are wrong."""

from __future__ import annotations

import hashlib
import os
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from engine import _testing
from reading import array, constants, lines, names, read, same
from rebuilding import assert_same_meaning

HEADER = '<ir_version: 10, opset_import: ["" : 21]>'


def parse(text: str, header: str = HEADER) -> onnx.ModelProto:
    return parser.parse_model(header + text)


def fails(model: onnx.ModelProto | bytes, code: str, *parts: str) -> str:
    with pytest.raises(_testing.ReadError) as caught:
        read(model)
    found_code, message = caught.value.args
    assert found_code == code, message
    for part in parts:
        assert part in message
    return message


def test_properties():
    model = parse("g (float[N, 3] x) => (float[N, M] y) { y = Relu(x) }")
    model.producer_name, model.producer_version, model.domain = "p", "1.2", "d"
    model.model_version, model.doc_string = 7, "doc"
    helper.set_model_props(model, {"b": "2", "a": "é"})
    found = read(model)
    assert (found["producer_name"], found["producer_version"], found["domain"]) == ("p", "1.2", "d")
    assert (found["model_version"], found["doc_string"], found["ir_version"]) == (7, "doc", 10)
    assert found["metadata_props"] == [("b", "2"), ("a", "é")]
    assert found["opsets"] == {"": 21}
    assert found["files"] == []
    assert found["sha256"] == hashlib.sha256(model.SerializeToString()).hexdigest()
    graph = found["graph"]
    assert graph["name"] == "g"
    x, y = graph["values"]
    assert (x["name"], x["type"], x["dim_names"]) == ("x", "tensor(float32)[?, 3]", ["N", ""])
    assert (y["name"], y["type"], y["dim_names"]) == ("y", "tensor(float32)[?, ?]", ["N", "M"])


def test_initializers_that_are_listed_as_inputs_are_constants():
    model = parse("g (float[2] x, float[2] w) => (float[2] y) { y = Add(x, w) }")
    model.graph.initializer.append(numpy_helper.from_array(np.ones(2, np.float32), "w"))
    graph = read(model)["graph"]
    assert names(graph, graph["inputs"]) == ["x"]
    assert list(constants(graph)) == ["w"]


def test_constant_nodes_become_constants():
    model = parse(
        """g (float[1] x) => (float[1] y, int64 i, float[2] fs, int64[2] is, string s, string[2] ss, float f) {
        c = Constant <value = float[1] {3.0}> ()
        f = Constant <value_float = 1.5> ()
        fs = Constant <value_floats = [1.0, 2.0]> ()
        i = Constant <value_int = -1> ()
        is = Constant <value_ints = [1, 2]> ()
        s = Constant <value_string = "a"> ()
        ss = Constant <value_strings = ["a", "b"]> ()
        y = Add(x, c)
        }"""
    )
    graph = read(model)["graph"]
    found = constants(graph)
    assert lines(graph) == [("Add", ["x", "c"], ["y"])]
    assert same(found["c"], np.array([3], np.float32))
    assert same(found["f"], np.array(1.5, np.float32))
    assert same(found["fs"], np.array([1, 2], np.float32))
    assert same(found["i"], np.array(-1, np.int64))
    assert same(found["is"], np.array([1, 2], np.int64))
    assert found["s"].shape == ()
    assert found["s"][()] == b"a"
    assert list(found["ss"]) == [b"a", b"b"]
    assert names(graph, graph["outputs"]) == ["y", "i", "fs", "is", "s", "ss", "f"]


def test_constant_of_a_sparse_tensor():
    model = parse("g () => (float[3] y) { y = Relu(c) }")
    node = model.graph.node.add(op_type="Constant", output=["c"])
    node.attribute.add(
        name="sparse_value",
        type=onnx.AttributeProto.SPARSE_TENSOR,
        sparse_tensor=onnx.SparseTensorProto(
            values=numpy_helper.from_array(np.array([5], np.float32)),
            indices=numpy_helper.from_array(np.array([1], np.int64)),
            dims=[3],
        ),
    )
    assert same(constants(read(model)["graph"])["c"], np.array([0, 5, 0], np.float32))


def test_nodes_out_of_order_are_sorted():
    model = parse("g (float[1] x) => (float[1] y) { y = Neg(b)  b = Relu(a)  a = Abs(x) }")
    assert [line[0] for line in lines(read(model)["graph"])] == ["Abs", "Relu", "Neg"]


def test_order_is_kept_where_it_is_valid():
    model = parse("g (float[1] x) => (float[1] y) { a = Abs(x)  c = Cos(x)  b = Relu(a)  y = Add(b, c) }")
    assert [line[0] for line in lines(read(model)["graph"])] == ["Abs", "Cos", "Relu", "Add"]


def test_optional_inputs_and_outputs_left_out():
    model = parse('g (float[4] x) => (float[4] y) { y = Clip(x, "", "") }')
    model.graph.node.append(helper.make_node("Dropout", ["x", "", ""], ["d", ""]))
    graph = read(model)["graph"]
    assert lines(graph) == [("Clip", ["x", None, None], ["y"]), ("Dropout", ["x", None, None], ["d", None])]


def test_nameless_nodes_get_names():
    graph = read(parse("g (float[1] x) => (float[1] y) { a = Relu(x)  b = Relu(a)  y = Neg(b) }"))["graph"]
    found = [n["name"] for n in graph["nodes"]]
    assert found == ["Relu#1", "Relu#2", "Neg#3"]


def test_ai_onnx_is_the_default_domain():
    model = parse("g (float[1] x) => (float[1] y) { y = Relu(x) }", '<ir_version: 8, opset_import: ["ai.onnx" : 17]>')
    model.graph.node[0].domain = "ai.onnx"
    found = read(model)
    assert found["opsets"] == {"": 17}
    assert (found["graph"]["nodes"][0]["domain"], found["graph"]["nodes"][0]["opset"]) == ("", 17)


def test_types_of_inputs():
    model = parse("g () => (float[1] y) { y = Foo() }")
    tensor = helper.make_tensor_type_proto(TensorProto.INT64, [2, "n"])
    types = [
        helper.make_sequence_type_proto(tensor),
        helper.make_optional_type_proto(helper.make_sequence_type_proto(tensor)),
        helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, None)),
        helper.make_sequence_type_proto(
            helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
        ),
        helper.make_tensor_type_proto(TensorProto.BFLOAT16, None),
        helper.make_tensor_type_proto(TensorProto.FLOAT, [-1, 0]),
    ]
    for i, proto in enumerate(types):
        model.graph.input.append(helper.make_value_info(f"x{i}", proto))
    found = [v["type"] for v in read(model)["graph"]["values"]][: len(types)]
    assert found == [
        "seq(tensor(int64)[2, ?])",
        "optional(seq(tensor(int64)[2, ?]))",
        "map(string, float32)",
        "seq(map(int64, float32))",
        "tensor(bfloat16)",
        "tensor(float32)[?, 0]",
    ]


def test_unsupported_types_of_inputs():
    for proto in (
        helper.make_sparse_tensor_type_proto(TensorProto.FLOAT, [2]),
        onnx.TypeProto(opaque_type=onnx.TypeProto.Opaque(name="o")),
        helper.make_tensor_type_proto(77, [2]),
        helper.make_tensor_type_proto(TensorProto.FLOAT, [1] * 13),
    ):
        model = parse("g () => (float[1] y) { y = Foo() }")
        model.graph.input.append(helper.make_value_info("odd", proto))
        fails(model, "UnsupportedOperator", "graph input 'odd'")
        model.graph.input.pop()
        model.graph.value_info.append(helper.make_value_info("y", proto))
        assert read(model)["graph"]["values"][0]["type"] == "tensor(float32)[1]"


def test_value_info_gives_types():
    model = parse("g (float[1] x) => (y) { a = Relu(x)  y = Neg(a) }")
    model.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, [1]))
    model.graph.value_info.append(helper.make_tensor_value_info("nobody", TensorProto.FLOAT, [1]))
    graph = read(model)["graph"]
    assert [(v["name"], v["type"]) for v in graph["values"]] == [
        ("x", "tensor(float32)[1]"), ("a", "tensor(float32)[1]"), ("y", "unknown"),
    ]  # fmt: skip


def test_only_the_ml_domain_is_imported():
    model = parse(
        "g (float[N, 2] x) => (float[N, 2] y) { y = ai.onnx.ml.Scaler(x) }",
        '<ir_version: 8, opset_import: ["ai.onnx.ml" : 3]>',
    )
    found = read(model)
    assert found["opsets"] == {"ai.onnx.ml": 3}
    assert found["graph"]["nodes"][0]["opset"] == 3


def test_graph_output_may_be_an_input_or_a_constant():
    model = parse("g (float[1] x) => (float[1] x, int64 c) { c = Constant <value_int = 4> () }")
    assert_same_meaning(model, read(model), [np.ones(1, np.float32)])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "g (float[1] x) => (float[1] y) { y = Add(x, gone) }",
            ["node 'Add#1' (Add)", "input 1, 'gone', is never defined"],
        ),
        ("g (float[1] x) => (float[1] z) { y = Relu(x) }", ["graph output 'z' is never produced"]),
        ("g (float[1] x) => (float[1] y) { y = Relu(x)  y = Neg(x) }", ["value 'y' is defined twice", "(Neg)"]),
        ("g (float[1] x) => (float[1] x) { x = Relu(x) }", ["value 'x' is defined twice", "(Relu)"]),
        ("g (float[1] x) => (float[1] y) { y = Neg(a)  a = Relu(y) }", ["cycle"]),
        ("g (float[1] x) => (float[1] y) { y = Neg(y) }", ["cycle"]),
        ("g (float[1] x, float[1] x) => (float[1] y) { y = Relu(x) }", ["value 'x' is defined twice", "inputs"]),
        ("g (float[1] x) => (float[1] y, float[1] y) { y = Relu(x) }", ["graph output 'y' is listed twice"]),
        ("g (x) => (float[1] y) { y = Relu(x) }", ["graph input 'x' has no type"]),
        (
            "g (float[1] x) => (float[1] y) { y = other.Relu(x) }",
            ["node 'Relu#1' (other.Relu)", "no opset for domain 'other'"],
        ),
        ("g () => (float[1] y) { y = Constant () }", ["no value"]),
        ("g () => (float[1] y) { y = Constant <value_int = 1, value_float = 1.0> () }", ["several values"]),
        ("g () => (float[1] y) { y = Constant <value_int = 1.0> () }", ["value_int"]),
        ("g () => (float[1] y) { y = Constant <valu = 1> () }", ["'valu'"]),
        ("g () => (float[1] y, float[1] z) { y, z = Constant <value_int = 1> () }", ["2 outputs"]),
    ],
)
def test_broken_graphs(text, parts):
    fails(parse(text), "InvalidModel", *parts)


def test_initializers_are_defined_once():
    model = parse("g (float[1] x) => (float[1] y) { y = Add(x, w) }")
    w = numpy_helper.from_array(np.ones(1, np.float32), "w")
    model.graph.initializer.extend([w, w])
    fails(model, "InvalidModel", "value 'w' is defined twice")
    del model.graph.initializer[:]
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "y"))
    fails(model, "InvalidModel", "value 'y' is defined twice")
    model.graph.initializer[0].name = ""
    fails(model, "InvalidModel", "an initializer has no name")


def test_initializer_and_input_of_different_types():
    model = parse("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.int32), "x"))
    fails(model, "InvalidModel", "'x'", "int32", "float32")


@pytest.mark.parametrize(
    ("header", "code", "part"),
    [
        ('<ir_version: 2, opset_import: ["" : 21]>', "InvalidModel", "IR version 2"),
        ('<ir_version: 15, opset_import: ["" : 21]>', "UnsupportedOperator", "IR version 15"),
        ('<ir_version: 10, opset_import: ["" : 29]>', "UnsupportedOperator", "opset 29; 28 is the newest"),
        ('<ir_version: 10, opset_import: ["" : 13, "ai.onnx": 14]>', "InvalidModel", "two versions, 13 and 14"),
        ('<ir_version: 10, opset_import: ["x" : 1]>', "InvalidModel", "no opset for domain 'ai.onnx'"),
    ],
)
def test_versions(header, code, part):
    fails(parse("g (float[1] x) => (float[1] y) { y = Relu(x) }", header), code, part)


@pytest.mark.parametrize("ir", range(3, 15))
def test_every_ir_version(ir):
    assert read(parse("g (float[1] x) => (float[1] y) { y = Relu(x) }", f'<ir_version: {ir}, opset_import: ["" : 7]>'))


def test_nothing_and_no_model():
    fails(b"", "InvalidModel", "no ONNX model")
    fails(b"\x08\x0a", "InvalidModel", "no graph")
    fails(b"PK\x03\x04 this is something else", "InvalidModel")
    fails(b"{'json': 1}", "InvalidModel")


def outcome(data: bytes) -> str:
    try:
        read(data)
    except _testing.ReadError as problem:
        return problem.args[0]
    return "read"


def test_every_cut_of_a_model_is_an_error():
    model = parse(
        """g (float[N] x) => (float[N] y) { c = Constant <value = float[2] {1.0, 2.0}> ()
        y = If (b) <then_branch = t () => (float[N] a) { a = Add(x, c) }, else_branch = e () => (float[N] a) { a = Neg(x) }> }"""
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "b"))
    data = model.SerializeToString()
    assert read(data)
    for size in range(len(data)):
        found = outcome(data[:size])
        # Only cuts between the fields of the outermost message leave a smaller, still valid model.
        assert found == "InvalidModel" or onnx.load_from_string(data[:size]).graph.output[0].name == "y"


def test_digest_is_checked_first(tmp_path):
    model = parse("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    data = model.SerializeToString()
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    for text in (digest, digest.upper(), f"sha256:{digest}"):
        assert read(path, sha256=text)["sha256"] == digest
    wrong = "0" * 64
    with pytest.raises(_testing.ReadError) as caught:
        read(path, sha256=wrong)
    assert caught.value.args[0] == "DigestMismatch"
    assert all(part in caught.value.args[1] for part in (str(path), digest, wrong))
    path.write_bytes(b"garbage")
    with pytest.raises(_testing.ReadError, match="DigestMismatch"):
        read(path, sha256=digest)


def test_paths_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path, reason in (
        (tmp_path / "none", "No such file"),
        (tmp_path, "directory"),
        (tmp_path / "fifo", "pipe"),
        ("/dev/zero", "device"),
    ):
        with pytest.raises(_testing.ReadError) as caught:
            read(str(path))
        assert caught.value.args[0] == "FileNotFound"
        assert str(path) in caught.value.args[1]
        assert reason in caught.value.args[1]


def test_memory_limit():
    model = parse("g (float[1] x) => (float[1] y) { y = Relu(x) }")
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1 << 20, np.float32), "w"))
    assert read(model, memory_limit=8 << 20)["memory_used"] == 4 << 20
    with pytest.raises(_testing.ReadError, match="MemoryLimitExceeded.*'w'"):
        read(model, memory_limit=1 << 20)


def test_names_must_be_text():
    model = parse("g (float[1] x) => (float[1] y) { y = Relu(x) }").SerializeToString()
    fails(model.replace(b"Relu", b"R\xfflu"), "InvalidModel", "R\\xfflu", "UTF-8")


def test_forty_thousand_nodes_in_time():
    nodes = [helper.make_node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(40_000)]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("v0", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("v40000", TensorProto.FLOAT, [1])],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]).SerializeToString()
    began = time.process_time()
    assert _testing.read_model_only(data) == 40_000
    assert time.process_time() - began < 1
    backwards = onnx.load_from_string(data)
    backwards.graph.ClearField("node")
    backwards.graph.node.extend(reversed(nodes))
    data = backwards.SerializeToString()
    began = time.process_time()
    assert _testing.read_model_only(data) == 40_000
    assert time.process_time() - began < 1


def test_described_constant():
    assert array(("float32", (1,), b"\0\0\x80?"))[0] == 1
