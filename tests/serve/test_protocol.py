"""Requests and answers of the Open Inference Protocol: every type, JSON and binary, what is malformed."""

import gzip
import json
import struct
import zlib

import engine
import engine.serve
import numpy as np
import pytest
from asking import ask, entry, infer
from onnx import TensorProto, helper
from servicing import to_bytes

pytest.importorskip("starlette")

TYPES = {
    "BOOL": (TensorProto.BOOL, np.bool_),
    "UINT8": (TensorProto.UINT8, np.uint8),
    "UINT16": (TensorProto.UINT16, np.uint16),
    "UINT32": (TensorProto.UINT32, np.uint32),
    "UINT64": (TensorProto.UINT64, np.uint64),
    "INT8": (TensorProto.INT8, np.int8),
    "INT16": (TensorProto.INT16, np.int16),
    "INT32": (TensorProto.INT32, np.int32),
    "INT64": (TensorProto.INT64, np.int64),
    "FP16": (TensorProto.FLOAT16, np.float16),
    "FP32": (TensorProto.FLOAT, np.float32),
    "FP64": (TensorProto.DOUBLE, np.float64),
}


def echo(elem_type, shape=("n", "m")):
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "echo",
        [helper.make_tensor_value_info("x", elem_type, list(shape))],
        [helper.make_tensor_value_info("y", elem_type, list(shape))],
    )
    return engine.load(to_bytes(graph), name="echo")


def served(elem_type, shape=("n", "m"), **options):
    return engine.serve.app({"echo": echo(elem_type, shape)}, engine.serve.Options(**options))


def values(dtype):
    if dtype == np.bool_:
        return np.array([[True, False, True], [False, False, True]])
    if np.dtype(dtype).kind == "f":
        return np.array([[0.5, -1.25, 3.0], [0.1, 1e-3, 1000.0]], dtype)
    info = np.iinfo(dtype)
    return np.array([[info.min, info.max, 1], [0, 2, 3]], dtype)


@pytest.mark.parametrize("nested", [True, False], ids=["nested", "flat"])
@pytest.mark.parametrize("datatype", TYPES)
def test_json(datatype, nested):
    elem_type, dtype = TYPES[datatype]
    x = values(dtype)
    data = x.tolist() if nested else x.reshape(-1).tolist()
    answer = infer(served(elem_type), "echo", [entry("x", datatype, x.shape, data)])
    assert answer.status == 200, answer.body
    document = answer.json
    assert (document["model_name"], document["model_version"]) == ("echo", "1")
    (output,) = document["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("y", datatype, [2, 3])
    np.testing.assert_array_equal(np.array(output["data"], dtype), x.reshape(-1))


@pytest.mark.parametrize("datatype", TYPES)
def test_binary(datatype):
    elem_type, dtype = TYPES[datatype]
    x = values(dtype)
    request = {"inputs": [entry("x", datatype, x.shape, size=x.nbytes)], "parameters": {"binary_data_output": True}}
    answer = infer(served(elem_type), "echo", request, x.tobytes())
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/octet-stream"
    document, raw = answer.tensors()
    assert document["outputs"][0]["datatype"] == datatype
    assert "data" not in document["outputs"][0]
    assert raw["y"] == x.tobytes()


def test_bf16_travels_as_binary_only():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([[1.5, -2.0]], ml_dtypes.bfloat16)
    app = served(TensorProto.BFLOAT16)
    request = {"inputs": [entry("x", "BF16", x.shape, size=x.nbytes)], "parameters": {"binary_data_output": True}}
    document, raw = infer(app, "echo", request, x.tobytes()).tensors()
    assert (document["outputs"][0]["datatype"], raw["y"]) == ("BF16", x.tobytes())
    assert infer(app, "echo", [entry("x", "BF16", [1, 2], [1.5, -2.0])]).status == 400
    refused = infer(app, "echo", [entry("x", "BF16", x.shape, size=x.nbytes)], x.tobytes())
    assert (refused.status, "binary" in refused.error) == (400, True)


TEXTS = ["", "plain", "\u00e4\u4e16\U0001f600", "a" * 300, "tab\tand \"quotes\""]


def bytes_of(texts):
    return b"".join(struct.pack("<I", len(raw := text.encode())) + raw for text in texts)


def test_texts():
    app = served(TensorProto.STRING, ("n",))
    answer = infer(app, "echo", [entry("x", "BYTES", [5], TEXTS)])
    assert answer.json["outputs"][0] == {"name": "y", "datatype": "BYTES", "shape": [5], "data": TEXTS}
    raw = bytes_of(TEXTS)
    request = {"inputs": [entry("x", "BYTES", [5], size=len(raw))], "parameters": {"binary_data_output": True}}
    assert infer(app, "echo", request, raw).tensors()[1]["y"] == raw


@pytest.mark.parametrize("raw", [bytes_of(TEXTS)[:-1], bytes_of(TEXTS) + b"x", b"\xff\xff\xff\xff", b"\x01\0\0\0", bytes_of(TEXTS[:4])])
def test_malformed_texts(raw):
    answer = infer(served(TensorProto.STRING, ("n",)), "echo", [entry("x", "BYTES", [5], size=len(raw))], raw)
    assert (answer.status, "'x'" in answer.error) == (400, True)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (1, 1)])
def test_empty_and_small(shape):
    x = np.ones(shape, np.float32)
    app = served(TensorProto.FLOAT)
    assert infer(app, "echo", [entry("x", "FP32", shape, x.tolist())]).json["outputs"][0]["data"] == x.reshape(-1).tolist()
    request = {"inputs": [entry("x", "FP32", shape, size=x.nbytes)], "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}
    text = json.dumps(request).encode()
    answer = ask(app, "POST", "/v2/models/echo/infer", text + x.tobytes(), inference_header_content_length=len(text))
    assert answer.tensors()[1]["y"] == x.tobytes()


def test_scalar():
    app = served(TensorProto.INT64, ())
    assert infer(app, "echo", [entry("x", "INT64", [], 7)]).json["outputs"][0] == {"name": "y", "datatype": "INT64", "shape": [], "data": [7]}
    x = np.array(7)
    request = {"inputs": [entry("x", "INT64", [], size=8)], "parameters": {"binary_data_output": True}}
    assert infer(app, "echo", request, x.tobytes()).tensors()[1]["y"] == x.tobytes()


def test_what_json_cannot_say_is_null():
    x = np.array([[np.nan, np.inf, 1.0]], np.float32)
    answer = infer(served(TensorProto.FLOAT), "echo", [entry("x", "FP32", x.shape, size=x.nbytes)], x.tobytes())
    assert answer.json["outputs"][0]["data"] == [None, None, 1.0]


def test_the_standard_library_s_json_answers_alike(monkeypatch):
    from engine.serve import fastjson, protocol

    x = np.array([[0.5, np.nan, -np.inf]], np.float32)
    document = {"data": x.reshape(-1), "shape": x.shape, "count": np.int64(3)}
    plain = json.dumps(document, default=fastjson._plain, allow_nan=False)
    assert json.loads(plain) == json.loads(fastjson.dumps(document))
    monkeypatch.setattr(protocol, "loads", json.loads)
    assert infer(served(TensorProto.FLOAT), "echo", [entry("x", "FP32", [1, 1], [2.0])]).json["outputs"][0]["data"] == [2.0]


GOOD = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.0, 2.0]}


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"inputs": 3},
        {"inputs": [3]},
        {"inputs": [{"name": "x"}]},
        {"inputs": [GOOD, GOOD]},
        {"inputs": []},
        {"inputs": [{**GOOD, "name": "z"}]},
        {"inputs": [{**GOOD, "shape": [1, -2]}]},
        {"inputs": [{**GOOD, "shape": "12"}]},
        {"inputs": [{**GOOD, "shape": [1, True]}]},
        {"inputs": [{**GOOD, "shape": [1 << 40, 1 << 40]}]},
        {"inputs": [{**GOOD, "shape": [1, 3]}]},
        {"inputs": [{**GOOD, "shape": [2]}]},
        {"inputs": [{**GOOD, "datatype": "FP128"}]},
        {"inputs": [{**GOOD, "datatype": "FP64"}]},
        {"inputs": [{**GOOD, "datatype": 5}]},
        {"inputs": [{**GOOD, "datatype": ["FP32"]}]},
        {"inputs": [{**GOOD, "name": ["x"]}]},
        {"inputs": [GOOD], "outputs": 5},
        {"inputs": [{**GOOD, "data": [1.0, "2"]}]},
        {"inputs": [{**GOOD, "data": [1.0, None]}]},
        {"inputs": [{**GOOD, "data": [[1.0], [2.0, 3.0]]}]},
        {"inputs": [{**GOOD, "data": [1e39, 0.0]}]},
        {"inputs": [{**GOOD, "data": {"a": 1}}]},
        {"inputs": [{**GOOD, "parameters": {"binary_data_size": 8}}]},
        {"inputs": [{**GOOD, "parameters": {"binary_data_size": -1}}]},
        {"inputs": [{**GOOD, "parameters": {"binary_data_size": "8"}}]},
        {"inputs": [GOOD], "outputs": [{"name": "z"}]},
        {"inputs": [GOOD], "outputs": ["y"]},
        {"inputs": [GOOD], "outputs": [{"name": "y", "parameters": {"classification": 3}}]},
        {"inputs": [GOOD], "parameters": {"timeout": "soon"}},
        {"inputs": [GOOD], "parameters": {"timeout": -5}},
        {"inputs": [GOOD], "parameters": [1]},
    ],
    ids=lambda document: json.dumps(document)[:60],
)
def test_malformed(document):
    answer = ask(served(TensorProto.FLOAT), "POST", "/v2/models/echo/infer", document)
    assert answer.status == 400, answer.body
    assert answer.error


@pytest.mark.parametrize(("datatype", "data"), [("UINT8", [256]), ("INT8", [-129]), ("INT32", [1.5]), ("INT64", [True]), ("BOOL", [1])])
def test_what_a_type_does_not_hold(datatype, data):
    answer = infer(served(TYPES[datatype][0], ("n",)), "echo", [entry("x", datatype, [1], data)])
    assert (answer.status, datatype in answer.error) == (400, True)


def test_bytes_that_are_no_bool():
    answer = infer(served(TensorProto.BOOL, ("n",)), "echo", [entry("x", "BOOL", [2], size=2)], b"\x01\x02")
    assert (answer.status, "BOOL" in answer.error) == (400, True)


@pytest.mark.parametrize("length", ["-1", "abc", "10000", "1.5", ""])
def test_length_of_the_json(length):
    body = json.dumps({"inputs": [GOOD]}).encode()
    answer = ask(served(TensorProto.FLOAT), "POST", "/v2/models/echo/infer", body, inference_header_content_length=length)
    assert answer.status == 400


@pytest.mark.parametrize("size", [0, 4, 7, 9, 1 << 40])
def test_sizes_must_agree(size):
    answer = infer(served(TensorProto.FLOAT), "echo", [entry("x", "FP32", [1, 2], size=size)], bytes(8))
    assert answer.status == 400


def test_bytes_that_nobody_asked_for():
    answer = infer(served(TensorProto.FLOAT), "echo", [entry("x", "FP32", [1, 1], size=4)], bytes(8))
    assert (answer.status, "4 bytes are left" in answer.error) == (400, True)


def test_a_body_without_json():
    app = served(TensorProto.FLOAT, (None, 2))
    x = np.arange(6, dtype=np.float32)
    answer = ask(app, "POST", "/v2/models/echo/infer", x.tobytes(), inference_header_content_length=0)
    document, raw = answer.tensors()
    assert (document["outputs"][0]["shape"], raw["y"]) == ([3, 2], x.tobytes())
    assert ask(app, "POST", "/v2/models/echo/infer", bytes(7), inference_header_content_length=0).status == 400


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)])
@pytest.mark.parametrize("elements", [2, 100_000])
def test_compressed(encoding, pack, elements):
    x = np.linspace(0, 1, elements, dtype=np.float32)
    request = {"inputs": [entry("x", "FP32", x.shape, size=x.nbytes)], "parameters": {"binary_data_output": True}}
    text = json.dumps(request).encode()
    body = pack(text + x.tobytes())
    app = served(TensorProto.FLOAT, ("n",))
    answer = ask(app, "POST", "/v2/models/echo/infer", body, inference_header_content_length=len(text), content_encoding=encoding)
    assert answer.tensors()[1]["y"] == x.tobytes()


def test_compressed_badly():
    app = served(TensorProto.FLOAT, ("n",), max_body=1000)
    bomb = gzip.compress(bytes(1 << 20))
    assert len(bomb) > 1000 or ask(app, "POST", "/v2/models/echo/infer", bomb, content_encoding="gzip").status == 413
    small = gzip.compress(bytes(500_000))
    assert ask(app, "POST", "/v2/models/echo/infer", small, content_encoding="gzip").status == 413
    assert ask(app, "POST", "/v2/models/echo/infer", b"nonsense", content_encoding="gzip").status == 400
    assert ask(app, "POST", "/v2/models/echo/infer", gzip.compress(b"{}")[:-3], content_encoding="gzip").status == 400
    assert ask(app, "POST", "/v2/models/echo/infer", b"{}", content_encoding="br").status == 415


def test_body_limit():
    app = served(TensorProto.FLOAT, max_body=200)
    good = json.dumps({"inputs": [GOOD]}).encode()
    assert ask(app, "POST", "/v2/models/echo/infer", good).status == 200
    answer = ask(app, "POST", "/v2/models/echo/infer", good + b" " * 200)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert ask(app, "POST", "/v2/models/echo/infer", chunks=[good, b" " * 100, b" " * 100]).status == 413
    assert ask(app, "POST", "/v2/models/echo/infer", chunks=[good[:20], good[20:]]).status == 200


def test_what_is_no_tensor_travels_as_json_in_texts():
    graph = helper.make_graph(
        [helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_strings=["no", "yes"])],
        "zip",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_value_info("y", helper.make_sequence_type_proto(helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))))],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = engine.load(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    app = engine.serve.app({"zip": model})
    answer = infer(app, "zip", [entry("x", "FP32", [2, 2], [0.25, 0.75, 1.0, 0.0])])
    (output,) = answer.json["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [2])
    assert [json.loads(text) for text in output["data"]] == [{"no": 0.25, "yes": 0.75}, {"no": 1.0, "yes": 0.0}]
    assert ask(app, "GET", "/v2/models/zip").json["outputs"] == [{"name": "y", "datatype": "BYTES", "shape": [-1]}]
