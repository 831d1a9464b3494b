"""Models travel by path and digest; errors travel whole."""

import copy
import gc
import multiprocessing
import pathlib
import pickle
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import engine
import numpy as np
import pytest
from harness import one_node
from subprocesses import python

X = np.arange(4, dtype=np.float32)
PATH = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits" / "digits.onnx"
IMAGE = np.load(PATH.parent / "sample.npy")[np.newaxis]


def test_round_trip():
    model = engine.load(PATH, threads=1, timeout=20.0)
    again = pickle.loads(pickle.dumps(model))
    assert (again.digest, again.threads) == (model.digest, 1)
    np.testing.assert_array_equal(again(IMAGE), model(IMAGE))
    np.testing.assert_array_equal(copy.deepcopy(model)(IMAGE), model(IMAGE))


def test_where_it_came_from_is_known_as_soon_as_it_is_there(monkeypatch):
    seen, publish = [], engine.Model._publish

    def watched(self, *arguments):
        number = publish(self, *arguments)
        seen.append((self.path, pickle.dumps(self)))
        return number

    with monkeypatch.context() as patched:
        patched.setattr(engine.Model, "_publish", watched)
        model = engine.load(PATH)
    [(path, pickled)] = seen
    assert path == str(PATH)
    assert pickle.loads(pickled).digest == model.digest


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


def test_models_from_bytes():
    data = one_node("Neg", [X])
    for source in (data, bytearray(data), memoryview(data)):
        pickled = pickle.dumps(engine.load(source))
        np.testing.assert_array_equal(pickle.loads(pickled)(X), -X)


def test_many_bytes_are_not_kept(monkeypatch):
    monkeypatch.setattr("engine.pickling.LARGEST_BYTES", 10)
    model = engine.load(one_node("Neg", [X]))
    with pytest.raises(TypeError, match="load it from a path"):
        pickle.dumps(model)


def test_one_model_in_a_process():
    """However often it is unpickled: the one that was pickled, or the first that was opened."""
    model = engine.load(PATH, threads=1, name="once")
    pickled = pickle.dumps(model)
    assert pickle.loads(pickled) is model
    assert pickle.loads(pickle.dumps(pickle.loads(pickled))) is model
    assert copy.copy(model) is model
    assert copy.deepcopy([model])[0] is model
    other = engine.load(PATH, threads=2, name="once")
    assert pickle.loads(pickle.dumps(other)) is other
    model.close()
    again = pickle.loads(pickled)
    assert again is not model
    assert pickle.loads(pickled) is again
    np.testing.assert_array_equal(again(IMAGE), other(IMAGE))


def test_a_reloaded_model_is_another(tmp_path):
    first, second = tmp_path / "1.onnx", tmp_path / "2.onnx"
    first.write_bytes(one_node("Neg", [X]))
    second.write_bytes(one_node("Abs", [X]))
    model = engine.load(first, name="m")
    pickled = pickle.dumps(model)
    model.reload(second)
    np.testing.assert_array_equal(pickle.loads(pickled)(X), -X)
    assert pickle.loads(pickle.dumps(model)) is model
    model.rollback()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(X), -X)


def test_threads_open_one(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(one_node("Neg", [X]))
    pickled = pickle.dumps(engine.load(path))
    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(pickle.loads, [pickled] * 32))
    assert all(model is models[0] for model in models)


def test_what_is_kept_is_bounded(tmp_path, monkeypatch):
    from engine import pickling

    monkeypatch.setattr(pickling, "KEPT", 2)
    path = tmp_path / "model.onnx"
    path.write_bytes(one_node("Neg", [X]))
    kept = []
    for number in range(4):
        kept.append(weakref.ref(pickle.loads(pickle.dumps(engine.load(path, name=f"bounded{number}")))))
    gc.collect()
    assert [ref() is not None for ref in kept] == [False, False, True, True]


def external(folder, value):
    from artefacts import write_external

    return write_external(folder, value)


def test_external_data_travels_with_its_digests(tmp_path):
    from artefacts import answer as value_of

    folder = external(tmp_path / "m", 1.0)
    engine.pack(folder, name="m", version=1)
    model = engine.load(folder)
    pickled = pickle.dumps(model)
    model.close()
    again = pickle.loads(pickled)
    assert (value_of(again), again.manifest.version) == (1.0, "1")
    again.close()
    external(folder, 2.0)
    with pytest.raises(engine.DigestMismatch, match=r"w\.bin"):
        pickle.loads(pickled)
    unchecked = pickle.dumps(engine.load(folder / "model.onnx", name="unchecked"))
    assert value_of(pickle.loads(unchecked)) == 2.0
    hashed = engine.load(folder / "model.onnx", name="hashed", hash_files=True)
    pickled = pickle.dumps(hashed)
    hashed.close()
    external(folder, 3.0)
    with pytest.raises(engine.DigestMismatch, match=r"w\.bin"):
        pickle.loads(pickled)


def test_relative_folders_of_external_data(tmp_path, monkeypatch):
    from artefacts import answer as value_of

    folder = external(tmp_path / "m", 1.0)
    monkeypatch.chdir(tmp_path)
    model = engine.load((folder / "model.onnx").read_bytes(), external_data="m")
    pickled = pickle.dumps(model)
    model.close()
    monkeypatch.chdir("/")
    assert value_of(pickle.loads(pickled)) == 1.0


def answer(model):
    return model(IMAGE)


def test_to_another_process():
    model = engine.load(PATH)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(answer, (model,)), model(IMAGE))


def identity(model):
    return id(model), float(model(IMAGE).sum())


def test_worker_processes_open_it_once():
    model = engine.load(PATH, threads=1)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        seen = set(pool.map(identity, [model] * 20))
        assert len(seen) == 1
        assert seen.pop()[1] == pytest.approx(float(model(IMAGE).sum()))
        assert len(set(pool.map(Closure(model), range(5)))) == 1


class Closure:
    def __init__(self, model):
        self.model = model

    def __call__(self, _):
        return identity(self.model)


FORKED = """
import multiprocessing, sys
import engine

def identity(model):
    return id(model)

model = engine.load(sys.argv[1], threads=1)
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert set(pool.map(identity, [model] * 10)) == {id(model)}
print("one")
"""


def test_forked_workers_use_what_was_loaded():
    assert python(FORKED, str(PATH)) == "one\n"


def test_errors():
    with pytest.raises(engine.EngineError) as caught:
        engine.load(b"")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)
    assert str(again) == str(caught.value)
