"""Packed weights that processes share: found by whoever comes later, never wrong, and of no harm when the folder is of no use."""

import concurrent.futures
import json
import logging
import os
import stat
import sys
import time

import engine
import numpy as np
import pytest
from packing import (
    LOADING,
    all_kinds,
    answers,
    end,
    files_of,
    leftovers,
    line_of,
    load,
    load_elsewhere,
    loading,
    wide_product,
)
from subprocesses import python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is shared there")
MIB = 1 << 20


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / "cache"


@pytest.fixture(scope="module")
def kinds():
    """The model's bytes and its answers without a folder."""
    model = all_kinds()
    return model, answers(engine.load(model, cache=False, threads=1))


# -- what is shared


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


# -- damage


def flip(path, at):
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 4]))


def cut(path, size):
    os.chmod(path, 0o600)
    os.truncate(path, size)


def replace(path, make):
    path.unlink()
    make(path)


DAMAGE = {
    "a bit of the content": lambda path: flip(path, 4096 + 1000),
    "the last bit": lambda path: flip(path, -1),
    "the magic": lambda path: flip(path, 3),
    "the key": lambda path: flip(path, 50),
    "the size in the header": lambda path: flip(path, 105),
    "the checksum": lambda path: flip(path, 113),
    "the header's checksum": lambda path: flip(path, 121),
    "half of it": lambda path: cut(path, 4096 + 5000),
    "no content": lambda path: cut(path, 4096),
    "half a header": lambda path: cut(path, 60),
    "nothing": lambda path: cut(path, 0),
    "zeros": lambda path: replace(path, lambda p: p.write_bytes(bytes(4096 + MIB))),
    "text": lambda path: replace(path, lambda p: p.write_text("no packed constant")),
    "a link": lambda path: replace(path, lambda p: p.symlink_to("/etc/passwd")),
    "a pipe": lambda path: replace(path, os.mkfifo),
    "writable by others": lambda path: os.chmod(path, 0o666),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_written_anew(folder, how):
    model = wide_product(n=512, k=512)
    expected = answers(load(model, folder))
    (name,) = files_of(folder)
    DAMAGE[how](folder / name)
    found = load(model, folder)
    assert answers(found) == expected
    assert (found.cache["found"], found.cache["stored"], found.cache["failed"] > 0) == (0, 1, True)
    assert name in found.cache["failure"]
    again = load(model, folder)
    assert answers(again) == expected
    assert (again.cache["found"], again.cache["failed"]) == (1, 0)
    assert leftovers(folder) == []


def test_a_file_under_another_name(folder):
    """Of the right size, whole, and of other weights."""
    one, two = wide_product(1, 512, 512), wide_product(2, 512, 512)
    load(one, folder)
    (name,) = files_of(folder)
    expected = answers(load(two, folder))
    (other,) = set(files_of(folder)) - {name}
    os.replace(folder / name, folder / other)
    found = load(two, folder)
    assert answers(found) == expected
    assert found.cache["failed"] > 0
    assert "another constant" in found.cache["failure"]


def test_a_folder_in_the_place_of_a_file(folder):
    model = wide_product(n=512, k=512)
    expected = answers(load(model, folder))
    (name,) = files_of(folder)
    replace(folder / name, os.mkdir)
    found = load(model, folder)
    assert answers(found) == expected
    assert found.cache["bytes"] == found.cache["stored"] == 0
    assert found.cache["failed"] > 0
    assert os.listdir(folder) == [name]


KILLED = (
    LOADING
    + """
import signal, time
path, folder = sys.argv[1:3]
data = open(path, "rb").read()
took = time.monotonic()
expected = answers(engine.load(data, cache=False, threads=1))
took = time.monotonic() - took
for i in range(24):
    pid = os.fork()
    if pid == 0:
        load(data, folder)
        os._exit(0)
    time.sleep(took * i / 12)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if i % 3 == 2 and name.endswith(".pack"):
            os.unlink(os.path.join(folder, name))
model = load(data, folder)
assert answers(model) == expected
assert model.cache["failed"] == 0, model.cache
print(model.cache["found"] + model.cache["stored"])
"""
)


@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_killed_while_writing(folder, tmp_path):
    path = tmp_path / "wide.onnx"
    path.write_bytes(wide_product())
    assert int(python(KILLED, str(path), str(folder))) == 1


def test_what_killed_writers_left_is_removed(folder):
    load(wide_product(1, 512, 512), folder)
    (name,) = files_of(folder)
    old, young, foreign = folder / f"{name[:64]}.0123456789abcdef.tmp", folder / f"{name[:64]}.fedcba9876543210.tmp", folder / "notes.tmp"
    for path in (old, young, foreign):
        path.write_bytes(bytes(1000))
    for path in (old, foreign):
        os.utime(path, (time.time() - 3600,) * 2)
    load(wide_product(2, 512, 512), folder)
    assert leftovers(folder) == sorted([young.name, foreign.name])


# -- a bounded size


def age(folder, name, seconds):
    os.utime(folder / name, (time.time() - seconds,) * 2)


def test_what_was_used_longest_ago_goes_first(folder):
    """Also while somebody has it mapped, whom that does not trouble."""
    models = [wide_product(seed, 1024, 1024) for seed in range(4)]
    names, loaded = [], []
    for i, model in enumerate(models[:3]):
        loaded.append(load(model, folder, cache_limit=13 * MIB))
        (name,) = set(files_of(folder)) - set(names)
        names.append(name)
        age(folder, name, 1000 - 100 * i)
    expected = [answers(model) for model in loaded]
    load(models[0], folder, cache_limit=13 * MIB)
    load(models[3], folder, cache_limit=13 * MIB)
    assert names[1] not in files_of(folder)
    assert {names[0], names[2]} < set(files_of(folder))
    assert sum((folder / name).stat().st_size for name in files_of(folder)) <= 13 * MIB
    assert [answers(model) for model in loaded] == expected
    assert answers(load(models[1], folder, cache_limit=13 * MIB)) == expected[1]


def test_what_is_in_use_stays(folder):
    models = [wide_product(seed, 1024, 1024) for seed in range(2)]
    load(models[0], folder, cache_limit=6 * MIB)
    kept = files_of(folder)
    other = load(models[1], folder, cache_limit=6 * MIB)
    assert "full" in other.cache["failure"]
    assert files_of(folder) == kept
    assert answers(other) == answers(engine.load(models[1], cache=False, threads=1))
    assert load(models[0], folder, cache_limit=6 * MIB).cache["found"] == 1


def test_what_is_too_large_is_not_stored(folder):
    model = load(wide_product(), folder, cache_limit=MIB)
    assert files_of(folder) == []
    assert "larger than the cache may be" in model.cache["failure"]
    assert model.cache["failed"] == 1


# -- folders that are of no use, and folders that are not to be used


FULL = (
    LOADING
    + """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
model = load(sys.argv[1], sys.argv[2])
print(json.dumps(told(model)))
"""
)


def test_a_disk_that_is_full(folder, tmp_path, kinds):
    """A limit on the size of a file fails in the middle of writing, as a full disk does."""
    path = tmp_path / "kinds.onnx"
    path.write_bytes(kinds[0])
    told = json.loads(python(FULL, str(path), str(folder)))
    assert told["failed"] == 1
    assert "cannot be used" in told["failure"]
    assert leftovers(folder) == []
    whole = load_elsewhere(path, folder)
    assert whole["answers"] == told["answers"]
    assert whole["failed"] == 0


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="no folder that not even root may write to")
def test_a_folder_that_cannot_be_written_to(kinds):
    model = load(kinds[0], "/proc/self/task")
    assert answers(model) == kinds[1]
    assert (model.cache["stored"], model.cache["failed"]) == (0, 1)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder_still_serves(folder, kinds):
    stored = load(kinds[0], folder).cache["stored"]
    folder.chmod(0o500)
    try:
        assert load(kinds[0], folder).cache["found"] == stored
        other = load(wide_product(), folder)
        assert (other.cache["stored"], other.cache["failed"]) == (0, 1)
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="no place where not even root may make a folder")
def test_a_folder_that_cannot_be_made(kinds):
    model = load(kinds[0], "/proc/nowhere/cache")
    assert answers(model) == kinds[1]
    assert model.cache["failed"] == 1
    assert "cannot be used" in model.cache["failure"]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused(folder, kinds, mode):
    load(kinds[0], folder)
    folder.chmod(mode)
    with pytest.raises(engine.InvalidInput, match="nobody else may write there"):
        load(kinds[0], folder)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root gives folders away")
def test_a_folder_of_another_user_is_refused(folder, kinds):
    folder.mkdir(parents=True)
    os.chown(folder, 12345, -1)
    with pytest.raises(engine.InvalidInput, match="belongs to user 12345"):
        load(kinds[0], folder)


def test_a_file_is_no_folder(tmp_path, kinds):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(engine.InvalidInput, match="no folder"):
        load(kinds[0], tmp_path / "file")


def test_a_failure_is_told_once(folder, caplog):
    with caplog.at_level(logging.WARNING, "engine"):
        for _ in range(3):
            load(wide_product(), folder, cache_limit=MIB)
    (record,) = [r for r in caplog.records if getattr(r, "event", "") == "cache_failed"]
    assert str(folder) in record.getMessage()


# -- the settings


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
