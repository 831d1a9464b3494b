"""engine.load: sources, digests, options, and what each refusal says."""

import hashlib
import pathlib

import engine
import numpy as np
import onnx
import pytest
from harness import one_node
from onnx import helper

X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
RELU = one_node("Relu", [X])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "relu.onnx"
    path.write_bytes(RELU)
    return path


@pytest.mark.parametrize("source", [RELU, bytearray(RELU), memoryview(RELU), np.frombuffer(RELU, np.uint8)], ids=type)
def test_from_memory(source):
    np.testing.assert_array_equal(engine.load(source)(X), np.maximum(X, 0))


def test_from_a_path(path):
    for source in (path, str(path)):
        np.testing.assert_array_equal(engine.load(source)(X), np.maximum(X, 0))


def test_facts(path):
    model = engine.load(path, threads=1)
    assert model.digest == "sha256:" + hashlib.sha256(RELU).hexdigest()
    assert model.threads == 1
    assert model.operators == {"Relu": 1}
    assert model.opsets == {"": 25}
    assert model.input_names == ("x0",)
    assert model.output_names == ("y0",)
    assert model.inputs == (engine.TensorInfo("x0", "float32", ("x0_0", "x0_1")),)
    assert model.outputs[0].dtype == "float32"
    assert model.parameters == 0
    assert set(model.load_seconds) == {"read", "optimize", "plan", "warm_up"}
    assert repr(model).startswith("<engine.Model 'relu' version 1 sha256:")


def test_default_threads(path):
    assert engine.load(path).threads == engine.cpus()


def test_digest(path):
    digest = hashlib.sha256(RELU).hexdigest()
    for good in (digest, digest.upper(), "sha256:" + digest):
        engine.load(path, sha256=good)
        engine.load(RELU, sha256=good)
    for bad in ("0" * 64, digest[:-1]):
        with pytest.raises(engine.DigestMismatch):
            engine.load(path, sha256=bad)
        with pytest.raises(ValueError, match="SHA-256"):
            engine.load(RELU, sha256=bad)


def test_missing_file(tmp_path):
    with pytest.raises(engine.FileNotFound, match=r"none\.onnx"):
        engine.load(tmp_path / "none.onnx")
    with pytest.raises(FileNotFoundError):
        engine.load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 100, b"not a model", RELU[: len(RELU) // 2]], ids=range(5))
def test_not_a_model(data):
    with pytest.raises(engine.InvalidModel):
        engine.load(data)


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("threads", 0, "1 to 256"),
        ("threads", 257, "1 to 256"),
        ("memory_limit", 0, "at least 1"),
        ("timeout", -1.0, "at least 0"),
        ("timeout", float("nan"), "at least 0"),
        ("optimize", "much", "off, cheap, all"),
    ],
)
def test_options(option, value, text):
    with pytest.raises(engine.InvalidInput, match=rf"{option} is .*{text}"):
        engine.load(RELU, **{option: value})


def test_unsupported_operators_are_all_listed():
    nodes = [helper.make_node(f"NoSuch{i}", ["x0"], [f"y{i}"], domain="no.such") for i in range(2)]
    outputs = [onnx.ValueInfoProto(name=f"y{i}") for i in range(2)]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x0", 1, [1])], outputs)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("no.such", 3)]
    with pytest.raises(engine.UnsupportedOperator, match=r"no\.such\.NoSuch0 \(version 3\), no\.such\.NoSuch1"):
        engine.load(helper.make_model(graph, opset_imports=opsets).SerializeToString())


def test_an_inconsistent_node_is_named():
    a, b = np.zeros((2, 3), np.float32), np.zeros((4, 5), np.float32)
    with pytest.raises(engine.InvalidModel, match=r"MatMul.*"):
        engine.load(one_node("MatMul", [a, b], dynamic=False))


@pytest.mark.parametrize("level", ["off", "cheap", "all"])
def test_levels_agree(level):
    folder = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits"
    image = np.load(folder / "sample.npy")[np.newaxis]
    want = engine.load(folder / "digits.onnx", optimize="off")(image)
    np.testing.assert_allclose(engine.load(folder / "digits.onnx", optimize=level)(image), want, rtol=1e-4, atol=1e-4)


def test_random_models_need_consent():
    model = one_node("RandomUniformLike", [X])
    with pytest.raises(engine.UnsupportedOperator, match="RandomUniformLike"):
        engine.load(model)
    assert engine.load(model, allow_random=True)(X).shape == X.shape
