"""Packed weights that processes share: found by whoever comes later, and never wrong."""

import concurrent.futures
import os
import stat
import sys

import numpy as np
import pytest

import engine
from packing import (
    all_kinds,
    answers,
    end,
    files_of,
    folder,
    kinds,
    leftovers,
    line_of,
    load,
    load_elsewhere,
    loading,
    wide_product,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is shared there")
MIB = 1 << 20


def test_what_one_load_stored_the_next_finds(folder, kinds):
    model, expected = kinds
    first = load(model, folder)
    stored = first.cache["stored"]
    assert stored >= 7
    assert first.cache == {"bytes": first.cache["bytes"], "found": 0, "stored": stored, "failed": 0, "failure": ""}
    assert len(files_of(folder)) == stored
    assert leftovers(folder) == []
    second = load(model, folder)
    assert second.cache == {**first.cache, "found": stored, "stored": 0}
    assert answers(first) == answers(second) == expected
    assert second.stats()["cache"] == second.cache


def test_only_its_owner_reads_the_files(folder, kinds):
    load(kinds[0], folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in files_of(folder)} == {0o400}


@pytest.mark.parametrize("rows", [1, 40])
def test_other_shapes_and_threads(folder, kinds, rows):
    expected = answers(engine.load(kinds[0], cache=False, threads=1), rows)
    for _ in range(2):
        assert answers(load(kinds[0], folder, threads=2), rows) == expected


@pytest.mark.parametrize("changed", ["conv_w", "conv_b", "bits_w", "bits_scales", "bits_zeros", "lstm_r", "byte_conv_w"])
def test_another_content_is_another_file(folder, kinds, changed):
    """Also of what is packed together with another constant."""
    before = load(kinds[0], folder).cache["stored"]
    other = all_kinds(change=[changed])
    expected = answers(engine.load(other, cache=False, threads=1))
    assert expected != kinds[1]
    model = load(other, folder)
    assert model.cache["stored"] >= 1
    assert model.cache["found"] + model.cache["stored"] == before
    assert answers(model) == expected
    assert answers(load(other, folder)) == expected
    assert answers(load(kinds[0], folder)) == kinds[1]


def test_a_reload_with_some_weights_changed(folder, kinds):
    model = load(kinds[0], folder)
    model.reload(all_kinds(change=["product_w"]))
    assert model.cache["stored"] == 1
    assert model.cache["failed"] == 0
    model.reload(kinds[0])
    assert model.cache["stored"] == 0
    assert answers(model) == kinds[1]


def test_small_packings_have_no_file(folder):
    model = load(wide_product(n=64, k=64), folder)
    assert model.memory["packed"] > 0
    assert model.cache["bytes"] == 0
    assert files_of(folder) == []


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="the system tells no PSS")
def test_two_processes(folder, tmp_path):
    """The second packs nothing, and what both have mapped is counted by half."""
    path = tmp_path / "wide.onnx"
    path.write_bytes(wide_product(n=4000, k=2500))
    alone = loading(path, folder)
    other = None
    try:
        first = line_of(alone)
        assert (first["stored"], first["found"]) == (1, 0)
        other = loading(path, folder)
        second = line_of(other)
        assert (second["stored"], second["found"], second["failed"]) == (0, 1, 0)
        assert second["answers"] == first["answers"]
        assert second["pss"] < first["pss"] - 0.4 * second["bytes"] / 1024
        end(other)
        end(alone)
    finally:
        for process in (alone, other):
            if process is not None:
                process.kill()


def test_each_instruction_set_has_its_own_files(folder, tmp_path, kinds):
    path = tmp_path / "kinds.onnx"
    path.write_bytes(kinds[0])
    told = {isa: [load_elsewhere(path, folder, {"ENGINE_ISA": isa}) for _ in range(2)] for isa in {"scalar", engine.isa()}}
    for isa, (first, second) in told.items():
        assert first["isa"] == isa
        assert (first["found"], second["stored"], second["failed"]) == (0, 0, 0)
        assert first["answers"] == second["answers"] == load_elsewhere(path, "", {"ENGINE_ISA": isa})["answers"]


def test_many_at_once(folder, tmp_path, kinds):
    path = tmp_path / "kinds.onnx"
    path.write_bytes(kinds[0])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: load_elsewhere(path, folder), range(4)))
    assert len({t["answers"] for t in told}) == 1
    assert {t["failed"] for t in told} == {0}
    assert {t["found"] + t["stored"] for t in told} == {len(files_of(folder))}
    assert leftovers(folder) == []


def test_memory_counts_the_same(folder):
    model = wide_product()
    alone, first, second = engine.load(model, cache=False), load(model, folder), load(model, folder)
    for other in (first, second):
        assert {**other.memory, "peak": 0} == {**alone.memory, "peak": 0}
        assert other.memory["peak"] <= alone.memory["peak"]
    needed = alone.memory["peak"]
    assert load(model, folder, memory_limit=needed).cache["found"] == 1
    with pytest.raises(engine.MemoryLimitExceeded, match="packed weights"):
        load(model, folder, memory_limit=needed - 2 * MIB)


def test_the_environment_names_the_folder(folder, tmp_path, monkeypatch, kinds):
    monkeypatch.setenv("ENGINE_CACHE", str(folder))
    assert engine.load(kinds[0]).cache["stored"] > 0
    other = engine.load(kinds[0], cache=tmp_path / "other")
    assert other.cache["found"] == 0
    off = engine.load(kinds[0], cache=False)
    assert (off.cache["found"], off.cache["stored"]) == (0, 0)
    monkeypatch.setenv("ENGINE_CACHE_LIMIT", "1000")
    assert "1000" in engine.load(wide_product()).cache["failure"]
    assert engine.load(wide_product(), cache_limit=64 * MIB).cache["stored"] == 1
    monkeypatch.delenv("ENGINE_CACHE")
    assert engine.load(kinds[0]).cache["found"] == 0


@pytest.mark.parametrize("options", [{"cache": ""}, {"cache": True}, {"cache": b"folder"}, {"cache": "/tmp", "cache_limit": 0}, {"cache": "a\0b"}])
def test_arguments_that_are_off(options):
    with pytest.raises(engine.InvalidInput):
        engine.load(wide_product(n=8, k=8), **options)


def test_a_limit_in_the_environment_that_is_off(monkeypatch):
    monkeypatch.setenv("ENGINE_CACHE_LIMIT", "lots")
    with pytest.raises(engine.InvalidInput, match="ENGINE_CACHE_LIMIT"):
        engine.load(wide_product(n=8, k=8))


def test_the_folder_stays_where_it_was(tmp_path, monkeypatch):
    """A relative name is that of the time of load, also for reloads."""
    monkeypatch.chdir(tmp_path)
    model = load(wide_product(1, 512, 512), "cache")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    model.reload(wide_product(2, 512, 512))
    assert len(files_of(tmp_path / "cache")) == 2
    assert np.isfinite(model(np.ones((1, 512), np.float32))).all()
