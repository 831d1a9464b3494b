"""The folder of a job: whose it is, and that one process at a time works in it."""

import json
import os

import engine
import numpy as np
import pytest
from engine.mapping import map_files
from engine.mapping.lock import locked
from harness import one_node
from jobs import MODEL, mapped, rows, saved


@pytest.fixture
def half(tmp_path, monkeypatch):
    """A job that was left half done: its input, its folder."""
    path, out = saved(tmp_path, "x.npy", rows(100)), tmp_path / "out"
    seen = []

    def interrupt(done, total, failed):
        seen.append(done)
        if done >= 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_files(engine.load(MODEL, threads=1), [path], str(out), batch=10, chunk=10, progress=interrupt)
    assert seen[-1] == 50
    return path, out


def test_going_on(half):
    path, out = half
    seen = []
    report, found = mapped(engine.load(MODEL, threads=1), [path], out, batch=10, progress=lambda *counts: seen.append(counts))
    assert 0 < report.computed <= 50
    assert seen[0] == (100 - report.computed, 100, 0)
    assert seen[-1] == (100, 100, 0)
    np.testing.assert_allclose(found["scores"], engine.load(MODEL)(rows(100)), rtol=1e-5, atol=1e-5)


def test_another_model(half, tmp_path):
    path, out = half
    other = tmp_path / "other.onnx"
    other.write_bytes(one_node("ReduceSum", [rows(1), np.array([2])], {"keepdims": 0}, constants=(1,)))
    with pytest.raises(engine.InvalidInput, match=r"holds another job: model was sha256:8f42.*, is sha256:"):
        map_files(engine.load(other), [path], str(out), batch=10)


def test_other_inputs(half):
    path, out = half
    model = engine.load(MODEL)
    before = os.stat(path)
    np.save(path, rows(101)[:100])
    with pytest.raises(engine.InvalidInput, match="input_files was"):
        map_files(model, [path], str(out), batch=10)
    np.save(path, rows(100))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert map_files(model, [path], str(out), batch=10).total == 100


def test_other_options(half):
    path, out = half
    for options, what in [
        ({"batch": 11}, "batch was 10, is 11"),
        ({"batch": 10, "chunk": 20}, "chunk was 10, is 20"),
        ({"batch": 10, "outputs": ["scores"]}, "outputs was None"),
    ]:
        with pytest.raises(engine.InvalidInput, match=what):
            map_files(engine.load(MODEL), [path], str(out), **options)
    with pytest.raises(engine.InvalidInput, match="optimize was all, is off"):
        map_files(engine.load(MODEL, optimize="off"), [path], str(out), batch=10)
    assert map_files(engine.load(MODEL), [path], str(out), batch=10, timeout=30, workers=2).failed == 0


def test_a_folder_that_is_not_a_job(tmp_path):
    path, out = saved(tmp_path, "x.npy", rows(3)), tmp_path / "out"
    out.mkdir()
    (out / "precious").touch()
    model = engine.load(MODEL)
    with pytest.raises(engine.InvalidInput, match=r"is not empty \(precious\)"):
        map_files(model, [path], str(out))
    (out / "precious").unlink()
    for text, what in [("{", "damaged"), ("{}", "not the record")]:
        (out / "job.json").write_text(text)
        with pytest.raises(engine.InvalidInput, match=what):
            map_files(model, [path], str(out))
    assert [entry.name for entry in out.iterdir()] == ["job.json"]


def test_one_at_a_time(half):
    path, out = half
    with locked(str(out)), pytest.raises(engine.InvalidInput, match="another process works on"):
        map_files(engine.load(MODEL), [path], str(out), batch=10)
    assert map_files(engine.load(MODEL), [path], str(out), batch=10).failed == 0


def test_a_late_worker_of_a_removed_job_writes_nowhere(half):
    """Jobs have work folders of their own: what an old worker still writes never is the new job's."""
    path, out = half
    first = json.loads((out / "job.json").read_text())["work"]
    os.rename(out, f"{out}.old")
    map_files(engine.load(MODEL), [path], str(out), batch=10)
    assert json.loads((out / "job.json").read_text())["work"] != first


def test_numbers_below_one(tmp_path):
    for options in ({"workers": 0}, {"chunk": 0}, {"batch": 0}):
        with pytest.raises(engine.InvalidInput, match="at least 1"):
            map_files(engine.load(MODEL), [saved(tmp_path, "x.npy", rows(3))], str(tmp_path / "out"), **options)
