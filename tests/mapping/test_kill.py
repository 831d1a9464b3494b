"""SIGKILL at any point, of a worker or of the parent: the same call again goes on, and no row is lost, doubled or torn."""

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import engine
import numpy as np
import pytest
from engine.mapping import map_files
from jobs import KILLED, MODEL, listed, mapped, results, rows, saved
from subprocesses import PACKAGES, python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="wants fork and SIGKILL")

COUNT = 330  # nine chunks of 40 rows


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """The path of the rows, and what the model answers for them."""
    folder = tmp_path_factory.mktemp("job")
    path = saved(folder, "x.npy", rows(COUNT))
    return path, mapped(engine.load(MODEL, threads=1), [path], folder / "out", batch=8, chunk=40)[1]["scores"]


def check_the_rest(path, wanted, out):
    """Goes on to the end, where all must be as if nothing had happened."""
    report, found = mapped(engine.load(MODEL, threads=1), [path], out, workers=2, batch=8)
    assert (report.total, report.failed) == (COUNT, 0)
    assert found["scores"].tobytes() == wanted.tobytes()
    assert results(out) == ["job.json", "scores.npy"]
    return report


# The parent writes the job's record, the results and the record again.
@pytest.mark.parametrize("where", ["replace before", "replace after", "fsync after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_the_parent(tmp_path, job, where, nth):
    out = tmp_path / "out"
    python(KILLED, MODEL, job[0], str(out), where, str(nth), "parent", status=-signal.SIGKILL)
    check_the_rest(*job, out)


@pytest.mark.parametrize("where", ["replace before", "replace after", "fsync before", "fsync after"])
@pytest.mark.parametrize("nth", [1, 3])
def test_a_worker(tmp_path, job, where, nth):
    """Another takes its place, in the same run."""
    out = tmp_path / "out"
    assert python(KILLED, MODEL, job[0], str(out), where, str(nth), "worker") == f"{COUNT} 0\n"
    assert pathlib.Path(f"{out}.killed").exists()
    assert check_the_rest(*job, out).computed == 0


def test_what_was_done_is_not_done_again(tmp_path, job):
    out = tmp_path / "out"
    python(KILLED, MODEL, job[0], str(out), "replace before", "2", "parent", status=-signal.SIGKILL)
    assert check_the_rest(*job, out).computed == 0


SLOW = """
import signal, sys, time
import engine
from engine.mapping import map_files
from engine.rows import BatchCaller

call = BatchCaller.call
def slow(self, feeds, rows):
    time.sleep(float(sys.argv[4]))
    return call(self, feeds, rows)
BatchCaller.call = slow
signal.signal(signal.SIGINT, signal.default_int_handler)
map_files(engine.load(sys.argv[1], threads=1), [sys.argv[2]], sys.argv[3], workers=2, batch=8, chunk=40)
"""


def slow_job(path, out, pause, **options):
    """The job as a program that waits `pause` seconds before each of its 45 batches, on two workers."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(PACKAGES)}
    return subprocess.Popen([sys.executable, "-c", SLOW, MODEL, path, str(out), str(pause)], env=env, **options)


def children(pid):
    with contextlib.suppress(OSError):
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_now_and_then(tmp_path, job):
    """The parent or a worker, at moments of chance."""
    out, draw = tmp_path / "out", random.Random(7)
    for _ in range(8):
        process = slow_job(job[0], out, 0.002)
        while process.poll() is None and not children(process.pid):
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.04))
        victim = draw.choice([process.pid, *children(process.pid)])
        if process.poll() is None:
            os.kill(victim, signal.SIGKILL)
        assert process.wait(60) in (0, -signal.SIGKILL)
    check_the_rest(*job, out)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_workers_end_with_their_parent(tmp_path, job):
    process = slow_job(job[0], tmp_path / "out", 0.1)
    while not list(tmp_path.glob("out/.work-*/*.npz")):
        time.sleep(0.002)
    workers = children(process.pid)
    process.kill()
    process.wait()
    assert len(workers) == 2
    end = time.monotonic() + 10
    while any(map(alive, workers)):
        assert time.monotonic() < end
        time.sleep(0.01)


def alive(pid):
    """Not gone, nor waiting to be buried."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


def test_ctrl_c(tmp_path, job):
    process = slow_job(job[0], tmp_path / "out", 0.1, stderr=subprocess.PIPE, start_new_session=True)
    while not list(tmp_path.glob("out/.work-*/*.npz")):
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert (process.returncode, said.count(b"Traceback")) == (-signal.SIGINT, 1)
    check_the_rest(*job, tmp_path / "out")


FATAL = """
import os, signal, sys
import engine
from engine.mapping import map_files
from engine.rows import BatchCaller

call = BatchCaller.call
def fatal(self, feeds, rows):
    if (feeds["image"][:, 0, 0] == 99).any():
        os.kill(os.getpid(), signal.SIGKILL)
    return call(self, feeds, rows)
BatchCaller.call = fatal
report = map_files(engine.load(sys.argv[1], threads=1), [sys.argv[2]], sys.argv[3], workers=2, batch=8, chunk=40)
print(report.total, report.failed)
"""


def test_a_row_that_ends_every_process_is_given_up(tmp_path, job):
    images = rows(COUNT)
    images[[7, 100, 101], 0, 0] = 99
    path, out = saved(tmp_path, "x.npy", images), tmp_path / "out"
    assert python(FATAL, MODEL, path, str(out)) == f"{COUNT} 3\n"
    assert [(f["row"], f["error"]) for f in listed(out)] == [(row, "ProcessDied") for row in (7, 100, 101)]
    assert "signal 9" in listed(out)[0]["message"]
    found = np.load(out / "scores.npy")
    good = images[:, 0, 0] != 99
    np.testing.assert_allclose(found[good], job[1][good], rtol=1e-5, atol=1e-5)
    assert np.isnan(found[~good]).all()


def test_a_full_disk(tmp_path, job, monkeypatch):
    out = tmp_path / "out"
    real, seen = os.fsync, []

    def full(descriptor):
        seen.append(descriptor)
        if len(seen) > 6:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            map_files(engine.load(MODEL, threads=1), [job[0]], str(out), batch=8, chunk=40)
    assert not list(out.glob("*.npy"))
    check_the_rest(*job, out)
