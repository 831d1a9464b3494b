"""A cache folder has a bounded size; one that is of no use does no harm, and one that others may write to is refused."""

import json
import logging
import os
import sys
import time

import pytest

import engine
from packing import (
    LOADING,
    answers,
    files_of,
    folder,
    kinds,
    leftovers,
    load,
    load_elsewhere,
    wide_product,
)
from subprocesses import python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is shared there")
MIB = 1 << 20


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
    assert (record.folder, record.levelname) == (str(folder), "WARNING")
    assert str(MIB) in record.failure
