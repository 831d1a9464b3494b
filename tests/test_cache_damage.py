"""Files of the cache folder that are damaged, foreign or half-written are as good as none."""

import os
import sys
import time

import pytest

from packing import LOADING, answers, files_of, folder, leftovers, load, wide_product
from subprocesses import python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is shared there")
MIB = 1 << 20


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
