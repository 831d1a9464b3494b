"""Models travel by path and digest; errors travel whole."""

import copy
import multiprocessing
import pathlib
import pickle

import engine
import numpy as np
import pytest
from harness import one_node

X = np.arange(4, dtype=np.float32)
PATH = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits" / "digits.onnx"
IMAGE = np.load(PATH.parent / "sample.npy")[np.newaxis]


def test_round_trip():
    model = engine.load(PATH, threads=1, timeout=20.0)
    again = pickle.loads(pickle.dumps(model))
    assert (again.digest, again.threads) == (model.digest, 1)
    np.testing.assert_array_equal(again(IMAGE), model(IMAGE))
    np.testing.assert_array_equal(copy.deepcopy(model)(IMAGE), model(IMAGE))


def test_a_changed_file_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(one_node("Neg", [X]))
    pickled = pickle.dumps(engine.load(path))
    path.write_bytes(one_node("Abs", [X]))
    with pytest.raises(engine.DigestMismatch):
        pickle.loads(pickled)


def test_relative_paths(tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(one_node("Neg", [X]))
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(engine.load("model.onnx"))
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(pickle.loads(pickled)(X), -X)


def test_models_from_bytes_stay():
    with pytest.raises(TypeError, match="load it from a path"):
        pickle.dumps(engine.load(one_node("Neg", [X])))


def answer(model):
    return model(IMAGE)


def test_to_another_process():
    model = engine.load(PATH)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(answer, (model,)), model(IMAGE))


def test_errors():
    with pytest.raises(engine.EngineError) as caught:
        engine.load(b"")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)
    assert str(again) == str(caught.value)
