"""Errors: classes and messages as ONNX Runtime's. Each test runs on both."""

import fronting
import numpy as np
import pytest
from onnx import helper

X = np.ones((2, 4), np.float32)


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({"x": X.astype(float)}, "Unexpected input data type. Actual: (tensor(double)) , expected: (tensor(float))"),
        ({"x": X.astype(np.int64)}, "Unexpected input data type. Actual: (tensor(int64)) , expected: (tensor(float))"),
        ({"x": np.array([["a"]])}, "Unexpected input data type. Actual: (tensor(string)) , expected: (tensor(float))"),
        (
            {"x": X[0]},
            "Invalid rank for input: x Got: 1 Expected: 2 Please fix either the inputs/outputs or the model.",
        ),
        (
            {"x": np.ones((2, 5), np.float32)},
            "Got invalid dimensions for input: x for the following indices\n index: 1 Got: 5 Expected: 4\n"
            " Please fix either the inputs/outputs or the model.",
        ),
        ({"x": X, "q": X}, "Invalid input name: q"),
    ],
    ids=["double", "int64", "string", "rank", "dimension", "name"],
)
def test_inputs(ort, errors, feeds, message):
    session = ort.InferenceSession(fronting.product())
    with pytest.raises(errors.InvalidArgument) as caught:
        session.run(None, feeds)
    assert str(caught.value) == f"[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : {message}"
    np.testing.assert_array_equal(session.run(["y"], {"x": X})[0], X)


@pytest.mark.parametrize("feeds", [{}, {"q": X}])
def test_missing_inputs(ort, feeds):
    with pytest.raises(ValueError, match="Required inputs") as caught:
        ort.InferenceSession(fronting.product()).run(None, feeds)
    assert str(caught.value) == f"Required inputs (['x']) are missing from input feed ({list(feeds)})."


def test_outputs(ort, errors):
    session = ort.InferenceSession(fronting.product())
    with pytest.raises(errors.InvalidArgument) as caught:
        session.run(["y", "nope"], {"x": X})
    assert str(caught.value) == "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid output name:nope"
    with pytest.raises(TypeError):
        session.run("nope", {"x": X})


def test_arguments(ort):
    session = ort.InferenceSession(fronting.product())
    with pytest.raises(AttributeError):
        session.run(None, [X])
    with pytest.raises(TypeError):
        session.run(None, {"x": X}, 5)
    for source in (3, None, bytearray(fronting.product())):
        with pytest.raises(TypeError, match="Unable to load from type"):
            ort.InferenceSession(source)


def test_a_node_that_fails(ort, errors):
    session = ort.InferenceSession(fronting.sums([1, 2, 3]))
    with pytest.raises(errors.Fail) as caught:
        session.run(None, {"x": np.ones(2, np.float32)})
    assert str(caught.value).startswith(
        "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Add node. Name:'sum' Status Message: "
    )


def test_a_default_that_does_not_fit(ort, errors):
    session = ort.InferenceSession(fronting.overridable())
    with pytest.raises(errors.InvalidArgument, match="Got invalid dimensions for input: w"):
        session.run(None, {"x": np.zeros(2, np.float32), "w": np.float32([5, 6])})


def test_a_sequence_is_no_tensor(ort, errors):
    session = ort.InferenceSession(fronting.sequences())
    with pytest.raises(
        errors.InvalidArgument, match="input with name: 's' expected to be of type: .* but received a tensor"
    ):
        session.run(None, {"s": np.ones((1, 2), np.float32), "u": np.float32([1]), "t": np.array([[["a", "b", "c"]]])})


def test_no_such_file(ort, errors, tmp_path):
    with pytest.raises(errors.NoSuchFile) as caught:
        ort.InferenceSession(str(tmp_path / "no.onnx"))
    path = tmp_path / "no.onnx"
    assert str(caught.value) == (
        f"[ONNXRuntimeError] : 3 : NO_SUCHFILE : Load model from {path} failed:Load model {path} failed. File doesn't exist"
    )


def test_no_protobuf(ort, errors, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"garbage")
    for source in (b"garbage", str(path)):
        with pytest.raises(errors.InvalidProtobuf, match=r"\[ONNXRuntimeError\] : 7 : INVALID_PROTOBUF : "):
            ort.InferenceSession(source)


def test_no_operator(ort, errors):
    """ONNX Runtime calls the graph invalid, the front says that it is not implemented: the operator may exist elsewhere."""
    data = fronting.model(
        [helper.make_node("Nope", ["x"], ["y"])], [fronting.info("x", 1, [1])], [fronting.info("y", 1, [1])]
    )
    with pytest.raises((errors.InvalidGraph, errors.NotImplemented), match="Nope"):
        ort.InferenceSession(data)


def test_exceptions_stand_apart(errors):
    for name in (
        "Fail InvalidArgument NoSuchFile NoModel EngineError RuntimeException InvalidProtobuf ModelLoaded NotImplemented"
        " InvalidGraph EPFail ModelLoadCanceled ModelRequiresCompilation NotFound DeviceReset"
    ).split():
        assert getattr(errors, name).__mro__[1] is Exception
