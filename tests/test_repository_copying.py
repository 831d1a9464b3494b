"""A version that is being copied while the watcher looks is never served before it is whole."""

import os
import threading
import time
import types

import engine
import pytest
from artefacts import answer, kinds, packed, put, write_external
from servicing import wait_until

POLL = 0.02


def copy_slowly(source, place, names, pause, seen):
    """File after file in small pieces, as a slow network does it; seen() is called between pieces."""
    place.mkdir(parents=True)
    for name in names:
        data = (source / name).read_bytes()
        with open(place / name, "wb", buffering=0) as file:
            for at in range(0, len(data), 1 + len(data) // 5):
                file.write(data[at : at + 1 + len(data) // 5])
                seen()
                time.sleep(pause)


ORDERS = {
    "manifest last": ["model.onnx", "w.bin", "model.json"],
    "manifest first": ["model.json", "w.bin", "model.onnx"],
    "by name": ["model.json", "model.onnx", "w.bin"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_with_a_manifest(tmp_path, order):
    """However slow, and whatever comes first: pauses are longer than the watcher's interval."""
    root = tmp_path / "root"
    put(root, 1)
    source = packed(tmp_path / "source", 2.0, version=2)
    versions = set()
    options = {"require_manifest": order == "manifest last"}
    with engine.watch(root, poll=POLL, threads=1, warmup=False, **options) as repository:
        model = repository.model("m")
        copy_slowly(source, root / "m" / "2", ORDERS[order], 3 * POLL, lambda: versions.add((model.version, answer(model))))
        wait_until(lambda: model.version == 2)
        assert answer(model) == 2.0
        assert versions == {(1, 1.0)}
        assert kinds(repository, "failed") == []
        assert kinds(repository, "waiting") == [("waiting", 2)]


def test_sizes_before_contents(tmp_path):
    """Room is made for the whole file before it is written: the digests tell."""
    root = tmp_path / "root"
    put(root, 1)
    source = packed(tmp_path / "source", 2.0, version=2)
    with engine.watch(root, poll=None, threads=1, warmup=False) as repository:
        model = repository.model("m")
        place = root / "m" / "2"
        place.mkdir()
        for name in ("model.json", "model.onnx"):
            (place / name).write_bytes((source / name).read_bytes())
        with open(place / "w.bin", "wb") as file:
            file.truncate((source / "w.bin").stat().st_size)
        repository.refresh()
        assert (model.version, answer(model)) == (1, 1.0)
        (place / "w.bin").write_bytes((source / "w.bin").read_bytes())
        repository.refresh()
        assert answer(model) == 2.0


@pytest.mark.parametrize("names", [["model.onnx", "w.bin"], ["w.bin", "model.onnx"]])
def test_without_a_manifest(tmp_path, monkeypatch, names):
    """It is loaded once nothing has changed for `settle` seconds; pauses are shorter than that."""
    root = tmp_path / "root"
    put(root, 1)
    source = write_external(tmp_path / "source", 2.0)
    clock = [1000.0]
    with engine.watch(root, poll=None, settle=10.0, threads=1, warmup=False) as repository:
        monkeypatch.setattr("engine.repository.loader.time", types.SimpleNamespace(monotonic=lambda: clock[0]))
        model = repository.model("m")
        versions = []

        def look():
            clock[0] += 9.0
            repository.refresh()
            versions.append((model.version, answer(model)))

        copy_slowly(source, root / "m" / "2", names, 0.005, look)
        look()
        assert set(versions) == {(1, 1.0)}
        look()
        assert versions[-1] == (2, 2.0)
        assert kinds(repository, "failed") == []


def test_without_a_manifest_what_is_cut_short_does_not_parse(tmp_path):
    root = tmp_path / "root"
    put(root, 1, manifest=False)
    source = write_external(tmp_path / "source", 2.0)
    with engine.watch(root, poll=None, settle=0.0, threads=1, warmup=False) as repository:
        model = repository.model("m")
        place = root / "m" / "2"
        place.mkdir()
        for name in ("model.onnx", "w.bin"):
            data = (source / name).read_bytes()
            for length in range(0, len(data), max(1, len(data) // 7)):
                (place / name).write_bytes(data[:length])
                repository.refresh()
                assert answer(model) == 1.0
            (place / name).write_bytes(data)
        repository.refresh()
        assert answer(model) == 2.0


def test_files_that_change_while_they_are_loaded(tmp_path):
    root = tmp_path / "root"
    put(root, 1, manifest=False)
    changes = []

    def check(model):
        if len(changes) == 0:
            changes.append(time.sleep(0.01))
            os.replace(write_external(tmp_path / "source", 3.0) / "w.bin", root / "m" / "2" / "w.bin")

    with engine.watch(root, poll=None, settle=0.0, threads=1, warmup=False) as repository:
        repository._settings.checks = {"m": check}
        put(root, 2, manifest=False)
        repository.refresh()
        assert answer(repository.model("m")) == 1.0
        assert kinds(repository, "failed") == [("failed", 2)]
        repository.refresh()
        assert answer(repository.model("m")) == 3.0


def test_many_at_once(tmp_path):
    """Several models copied at the same time: each comes when it is whole."""
    root = tmp_path / "root"
    root.mkdir()
    with engine.watch(root, poll=POLL, threads=1, warmup=False) as repository:
        assert repository.ready
        sources = {name: packed(tmp_path / name, float(i), name=name) for i, name in enumerate(("a", "b", "c"))}
        copies = [
            threading.Thread(target=copy_slowly, args=(source, root / name / "1", ORDERS["by name"], POLL, lambda: None))
            for name, source in sources.items()
        ]
        for copy in copies:
            copy.start()
        for copy in copies:
            copy.join()
        wait_until(lambda: len(repository.models()) == 3)
        assert [answer(repository.model(name)) for name in sources] == [0.0, 1.0, 2.0]
        assert kinds(repository, "failed") == []
