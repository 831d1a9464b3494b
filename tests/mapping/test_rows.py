"""engine map over .npy files: right, in order, whatever the batches, the chunks and the number of processes."""

import pickle
import tracemalloc

import engine
import numpy as np
import pytest
from engine.mapping import map_files, open_inputs
from harness import one_node
from jobs import MODEL, choosing, listed, mapped, results, rows, saved


@pytest.fixture(scope="module")
def model():
    return engine.load(MODEL, threads=1)


@pytest.mark.parametrize(
    ("count", "options"),
    [
        (1, {}),
        (101, {}),
        (101, {"batch": 7, "chunk": 20, "workers": 3}),
        (64, {"batch": 64, "chunk": 1, "workers": 2}),
        (100, {"batch": 1, "chunk": 1000}),
    ],
)
def test_right(tmp_path, model, count, options):
    images = rows(count)
    report, found = mapped(model, [saved(tmp_path, "x.npy", images)], tmp_path / "out", **options)
    assert (report.total, report.computed, report.failed) == (count, count, 0)
    assert results(tmp_path / "out") == ["job.json", "scores.npy"]
    single = np.concatenate([model(image[np.newaxis]) for image in images])
    np.testing.assert_allclose(found["scores"], single, rtol=1e-5, atol=1e-5)


def test_same_bits_with_any_number_of_workers(tmp_path, model):
    path = saved(tmp_path, "x.npy", rows(200))
    answers = [
        mapped(model, [path], tmp_path / f"out{workers}", workers=workers, chunk=30)[1]["scores"] for workers in (1, 2, 5)
    ]
    assert all(answer.tobytes() == answers[0].tobytes() for answer in answers)


def test_files_that_follow_each_other(tmp_path, model):
    images = rows(100)
    (tmp_path / "parts").mkdir()
    for number, part in enumerate(np.split(images, [13, 13, 60])):
        saved(tmp_path / "parts", f"part{number}.npy", part)
    options = {"batch": 10, "chunk": 30}
    whole = mapped(model, [saved(tmp_path, "x.npy", images)], tmp_path / "whole", **options)[1]["scores"]
    for number, text in enumerate([f"{tmp_path}/parts/part*.npy", f"image={tmp_path}/parts"]):
        np.testing.assert_array_equal(mapped(model, [text], tmp_path / f"out{number}", **options)[1]["scores"], whole)


def test_several_inputs_and_outputs(tmp_path):
    a, b = np.arange(50, dtype=np.float32).reshape(25, 2), np.ones((25, 2), np.float32)
    model = engine.load(one_node("Add", [a, b]))
    inputs = [f"x0={saved(tmp_path, 'a.npy', a)}", f"x1={saved(tmp_path, 'b.npy', b)}"]
    np.testing.assert_array_equal(mapped(model, inputs, tmp_path / "out", batch=4)[1]["y0"], a + b)
    model = engine.load(one_node("TopK", [a, np.array([1])], n_outputs=2, constants=(1,)))
    found = mapped(model, [inputs[0][3:]], tmp_path / "both", batch=4)[1]
    assert {name: array.shape for name, array in found.items()} == {"y0": (25, 1), "y1": (25, 1)}
    assert list(mapped(model, [inputs[0][3:]], tmp_path / "one", outputs=["y1"])[1]) == ["y1"]


def test_a_constant(tmp_path):
    a = np.arange(12, dtype=np.float32).reshape(6, 2)
    model = engine.load(one_node("Pow", [a, np.float32(2)]))
    path = saved(tmp_path, "a.npy", a)
    _, found = mapped(model, [path], tmp_path / "out", batch=4, constants={"x1": 2})
    np.testing.assert_array_equal(found["y0"], a**2)
    with pytest.raises(engine.InvalidInput, match="give it as a constant"):
        map_files(model, [f"x0={path}", f"x1={path}"], str(tmp_path / "other"))
    with pytest.raises(engine.InvalidInput, match="constants was"):
        map_files(model, [path], str(tmp_path / "out"), batch=4, constants={"x1": 3})


def test_a_model_that_fixes_the_batch(tmp_path):
    x = np.arange(20, dtype=np.float32).reshape(10, 2)
    model = engine.load(one_node("Neg", [x[:4]], dynamic=False))
    path = saved(tmp_path, "x.npy", x)
    np.testing.assert_array_equal(mapped(model, [path], tmp_path / "out")[1]["y0"], -x)
    with pytest.raises(engine.InvalidInput, match="batch is 3; 4, which the model fixes"):
        map_files(model, [path], str(tmp_path / "other"), batch=3)


def test_rows_that_fail(tmp_path):
    indices = np.arange(100) % 10
    indices[[0, 41, 42, 99]] = 12
    report, found = mapped(choosing(), [saved(tmp_path, "i.npy", indices)], tmp_path / "out", batch=16, chunk=32, workers=2)
    assert (report.total, report.failed) == (100, 4)
    assert [failure["row"] for failure in listed(tmp_path / "out")] == [0, 41, 42, 99]
    assert {failure["error"] for failure in listed(tmp_path / "out")} == {"InvalidInput"}
    good = indices < 10
    np.testing.assert_array_equal(found["y0"][good], np.arange(20, dtype=np.float32).reshape(10, 2)[indices[good]])
    assert np.isnan(found["y0"][~good]).all()
    assert map_files(choosing(), [str(tmp_path / "i.npy")], str(tmp_path / "out"), batch=16).failed == 4


def test_all_rows_fail(tmp_path, model):
    report, found = mapped(model, [saved(tmp_path, "x.npy", rows(10))], tmp_path / "out", timeout=0.0)
    assert (report.failed, found) == (10, {})
    assert {failure["error"] for failure in listed(tmp_path / "out")} == {"DeadlineExceeded"}


def test_whole_chunks_that_fail(tmp_path):
    indices = np.full(30, 12)
    indices[10:20] = 3
    report, found = mapped(choosing(), [saved(tmp_path, "i.npy", indices)], tmp_path / "out", chunk=10)
    assert report.failed == 20
    assert np.isnan(found["y0"][:, 0]).tolist() == [True] * 10 + [False] * 10 + [True] * 10


def test_text(tmp_path):
    words = np.array(["one", "three", "fifteen"])
    model = engine.load(one_node("StringConcat", [words, np.array(["!"])], constants=(1,)))
    _, found = mapped(model, [saved(tmp_path, "w.npy", words)], tmp_path / "out", batch=1, chunk=1)
    assert found["y0"].tolist() == ["one!", "three!", "fifteen!"]


def test_numbers_become_what_the_model_takes(tmp_path, model):
    images = rows(20)
    wanted = mapped(model, [saved(tmp_path, "x.npy", images)], tmp_path / "out")[1]["scores"]
    for dtype in (np.uint8, np.float64, np.int64):
        path = saved(tmp_path, f"{np.dtype(dtype).name}.npy", images.astype(dtype))
        np.testing.assert_array_equal(mapped(model, [path], tmp_path / np.dtype(dtype).name)[1]["scores"], wanted)
    for bad in (np.full((3, 8, 8), 1e300), np.zeros((3, 8, 8), complex)):
        with pytest.raises(engine.InvalidInput, match="image"):
            map_files(model, [saved(tmp_path, "bad.npy", bad)], str(tmp_path / "bad"))
    with pytest.raises(engine.InvalidInput, match="does not fit"):
        map_files(choosing(), [saved(tmp_path, "floats.npy", np.ones(3))], str(tmp_path / "floats"))


def test_a_number_that_does_not_fit_fails_its_row(tmp_path):
    values = np.arange(100)
    values[[3, 40, 99]] = [300, -1, 1 << 40]
    model = engine.load(one_node("Identity", [np.zeros(1, np.uint8)]))
    report, found = mapped(model, [saved(tmp_path, "x.npy", values)], tmp_path / "out", batch=4, chunk=25)
    assert [failure["row"] for failure in listed(tmp_path / "out")] == [3, 40, 99]
    values[[3, 40, 99]] = 0
    np.testing.assert_array_equal(found["y0"], values)


def test_no_rows(tmp_path, model):
    report = map_files(model, [saved(tmp_path, "x.npy", rows(0))], str(tmp_path / "out"))
    assert (report.total, results(tmp_path / "out")) == (0, ["job.json"])


def test_rows_of_the_wrong_shape(tmp_path, model):
    with pytest.raises(engine.InvalidInput, match=r"rows first; the rows have shape \[8, 7\]"):
        map_files(model, [saved(tmp_path, "x.npy", rows(3)[:, :, :7])], str(tmp_path / "out"))
    with pytest.raises(engine.InvalidInput, match="others"):
        map_files(model, [saved(tmp_path, "y.npy", rows(3)), str(tmp_path / "x.npy")], str(tmp_path / "out"))


def test_outputs_that_are_not_by_row(tmp_path):
    x = np.ones((10, 3), np.float32)
    path = saved(tmp_path, "x.npy", x)
    for number, (op, attributes) in enumerate([("ReduceSum", {"keepdims": 0}), ("NonZero", {}), ("Transpose", {"perm": [1, 0]})]):
        model = engine.load(one_node(op, [x], attributes))
        with pytest.raises(engine.InvalidInput, match=r"output 'y0' .*its axis 0 are not the rows"):
            map_files(model, [path], str(tmp_path / f"out{number}"))
    model = engine.load(one_node("ZipMap", [x], {"classlabels_int64s": [1, 2, 3]}, opset=1, domain="ai.onnx.ml"))
    with pytest.raises(engine.InvalidInput, match=r"seq\(map\(int64, float32\)\), no tensor"):
        map_files(model, [path], str(tmp_path / "maps"))


def test_what_is_assembled_is_not_held_in_memory(tmp_path):
    x = np.ones((64, 1 << 14), np.float32)
    model = engine.load(one_node("Neg", [x]))
    path = saved(tmp_path, "x.npy", np.tile(x, (8, 1)))
    map_files(model, [path], str(tmp_path / "first"), batch=16, chunk=16)
    tracemalloc.start()
    map_files(model, [path], str(tmp_path / "out"), batch=16, chunk=16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert (tmp_path / "out" / "y0.npy").stat().st_size > 32 << 20


def test_inputs_travel_by_name(tmp_path):
    """To a worker that is not forked."""
    source = open_inputs([saved(tmp_path, "x.npy", rows(1000))], ["image"])
    pickled = pickle.dumps(source)
    assert len(pickled) < 2000
    assert pickle.loads(pickled).total == 1000


def test_workers_that_are_not_forked(tmp_path, model, monkeypatch):
    from types import SimpleNamespace

    from engine.mapping import workers

    path = saved(tmp_path, "x.npy", rows(100))
    forked = mapped(model, [path], tmp_path / "forked", workers=2, batch=8, chunk=20)[1]["scores"]
    monkeypatch.setattr(workers, "sys", SimpleNamespace(platform="darwin"))
    report, found = mapped(model, [path], tmp_path / "out", workers=2, batch=8, chunk=20)
    assert (report.computed, report.failed) == (100, 0)
    assert found["scores"].tobytes() == forked.tobytes()


def test_inputs_that_are_not_there(tmp_path, model):
    (tmp_path / "notes.txt").touch()
    path = saved(tmp_path, "x.npy", rows(3))
    out = str(tmp_path / "out")
    with pytest.raises(engine.FileNotFound, match="no such file"):
        map_files(model, [str(tmp_path / "none.npy")], out)
    with pytest.raises(engine.InvalidInput, match=r"\.npz"):
        map_files(model, [str(tmp_path / "notes.txt")], out)
    np.savez(tmp_path / "x.npz", image=rows(1))
    with pytest.raises(engine.InvalidInput, match="one kind is wanted"):
        map_files(model, [path, str(tmp_path / "x.npz")], out)
    with pytest.raises(engine.InvalidInput, match="no output 'y'"):
        map_files(model, [path], out, outputs=["y"])
    with pytest.raises(engine.InvalidInput, match="no input 'y'"):
        map_files(model, [path], out, constants={"y": 1})
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(engine.InvalidInput, match=r"broken\.npy"):
        map_files(model, [str(tmp_path / "broken.npy")], out)
