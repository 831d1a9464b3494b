"""engine map over JSON lines and over .npz cases."""

import json
import os

import engine
import numpy as np
import pytest
from engine.mapping import map_files
from harness import one_node
from jobs import MODEL, choosing, listed, results, rows, written


def answers(out):
    return [json.loads(line) for line in (out / "outputs.jsonl").read_text().splitlines()]


def test_lines(tmp_path):
    images = rows(50)
    path = written(tmp_path, "x.jsonl", [{"image": image.tolist(), "id": 1} for image in images])
    report = map_files(engine.load(MODEL, threads=1), [path], str(tmp_path / "out"), workers=2, batch=8, chunk=20)
    assert (report.kind, report.total, report.failed) == ("line", 50, 0)
    assert results(tmp_path / "out") == ["job.json", "outputs.jsonl"]
    found = answers(tmp_path / "out")
    assert [answer["line"] for answer in found] == list(range(50))
    scores = np.array([answer["outputs"]["scores"] for answer in found], np.float32)
    np.testing.assert_allclose(scores, engine.load(MODEL)(images), rtol=1e-5, atol=1e-5)


def test_lines_of_several_lengths(tmp_path):
    values = [[float(i)] * (1 + i % 3) for i in range(40)]
    model = engine.load(one_node("Neg", [np.ones((1, 1), np.float32)]))
    path = written(tmp_path, "x.jsonl", [{"x0": value} for value in values])
    map_files(model, [path], str(tmp_path / "out"), batch=4, chunk=15)
    assert [answer["outputs"]["y0"] for answer in answers(tmp_path / "out")] == [[-x for x in value] for value in values]


def test_lines_that_fail(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"x1": 1}\n{"x1": 99}\nno JSON\n\n[1]\n{"x": 1}\n{"x1": "a"}\n{"x1": 1.5}\n{"x1": 2}')
    report = map_files(choosing(), [str(path)], str(tmp_path / "out"), batch=4, chunk=3)
    assert (report.total, report.failed) == (9, 7)
    found = answers(tmp_path / "out")
    assert [answer["line"] for answer in found] == list(range(9))
    assert [answer["outputs"]["y0"] for answer in (found[0], found[8])] == [[2.0, 3.0], [4.0, 5.0]]
    assert [failure["line"] for failure in listed(tmp_path / "out")] == list(range(1, 8))
    assert "missing" in listed(tmp_path / "out")[4]["message"]


def test_lines_of_a_file_that_does_not_end_with_one(tmp_path):
    for text, count in [('{"x1": 1}', 1), ('{"x1": 1}\n', 1), ("", 0), ('{"x1": 1}\r\n{"x1": 2}\r\n', 2)]:
        path = tmp_path / f"{count}{len(text)}.jsonl"
        path.write_bytes(text.encode())
        report = map_files(choosing(), [str(path)], str(tmp_path / f"out{count}{len(text)}"))
        assert (report.total, report.failed) == (count, 0)


def test_not_a_number(tmp_path):
    model = engine.load(one_node("Sqrt", [np.ones((1, 2), np.float32)]))
    path = written(tmp_path, "x.jsonl", [{"x0": [4.0, -1.0]}, {"x0": [None, 9]}])
    map_files(model, [path], str(tmp_path / "out"))
    assert [answer["outputs"]["y0"] for answer in answers(tmp_path / "out")] == [[2.0, None], [None, 3.0]]


def test_text_lines(tmp_path):
    model = engine.load(one_node("StringConcat", [np.array(["a"]), np.array(["!"])], constants=(1,)))
    path = written(tmp_path, "x.jsonl", [{"x0": "one"}, {"x0": "fifteen"}, {"x0": "größer"}])
    map_files(model, [path], str(tmp_path / "out"))
    assert [answer["outputs"]["y0"] for answer in answers(tmp_path / "out")] == ["one!", "fifteen!", "größer!"]


def save_cases(folder, count):
    folder.mkdir()
    for number in range(count):
        np.savez(folder / f"case{number:02d}.npz", image=rows(1 + number % 4), more=np.zeros(3))


def test_cases(tmp_path):
    save_cases(tmp_path / "cases", 20)
    (tmp_path / "cases" / "case05.npz").write_bytes(b"PK")
    np.savez(tmp_path / "cases" / "case06.npz", picture=rows(1))
    np.savez(tmp_path / "cases" / "case07.npz", image=rows(1)[:, :, :3])
    model = engine.load(MODEL, threads=1)
    report = map_files(model, [str(tmp_path / "cases")], str(tmp_path / "out"), workers=2, chunk=3)
    assert (report.kind, report.total, report.failed) == ("case", 20, 3)
    bad = ["case05.npz", "case06.npz", "case07.npz"]
    assert [failure["file"].rpartition("/")[2] for failure in listed(tmp_path / "out")] == bad
    assert results(tmp_path / "out") == [
        *(name for name in sorted(path.name for path in (tmp_path / "cases").iterdir()) if name not in bad),
        "errors.jsonl",
        "job.json",
    ]
    with np.load(tmp_path / "cases" / "case03.npz") as case, np.load(tmp_path / "out" / "case03.npz") as answer:
        np.testing.assert_array_equal(answer["scores"], model(case["image"]))


def test_cases_that_were_moved_before(tmp_path, monkeypatch):
    """An end in the midst of putting the results together."""
    save_cases(tmp_path / "cases", 10)
    model = engine.load(MODEL, threads=1)
    real, moved = os.replace, []

    def fails(source, target):
        moved.append(target)
        if len([path for path in moved if os.path.basename(path).startswith("case0")]) > 4:
            raise OSError(5, "Input/output error")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fails)
        with pytest.raises(OSError, match="Input/output"):
            map_files(model, [str(tmp_path / "cases")], str(tmp_path / "out"))
    report = map_files(model, [str(tmp_path / "cases")], str(tmp_path / "out"))
    assert (report.computed, report.failed) == (0, 0)
    assert len(list((tmp_path / "out").glob("*.npz"))) == 10


def test_cases_need_names_of_their_own(tmp_path):
    for folder in ("a", "b"):
        save_cases(tmp_path / folder, 1)
    model = engine.load(MODEL)
    with pytest.raises(engine.InvalidInput, match=r"called case00\.npz"):
        map_files(model, [str(tmp_path / "a"), str(tmp_path / "b")], str(tmp_path / "out"))
    with pytest.raises(engine.InvalidInput, match="batch is for rows"):
        map_files(model, [str(tmp_path / "a")], str(tmp_path / "out"), batch=2)
    with pytest.raises(engine.InvalidInput, match="for .npy files"):
        map_files(model, [f"image={tmp_path}/a"], str(tmp_path / "out"))
