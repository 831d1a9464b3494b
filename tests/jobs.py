"""What the tests of engine map share: models, inputs, and a program that is killed where the test says."""

import json
import pathlib

import engine
import numpy as np
from engine.mapping import map_files
from harness import one_node

DIGITS = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits"
MODEL = str(DIGITS / "digits.onnx")

# python(KILLED, model, inputs, out, where, nth, whom): map_files in two processes; at the nth os.replace or os.fsync of the parent, or
# of any worker, that process gets SIGKILL, once.
KILLED = """
import multiprocessing, os, pathlib, signal, sys
import engine
from engine.mapping import map_files

model, inputs, out, where, nth, whom = sys.argv[1:]
seen = 0
mark = pathlib.Path(out + ".killed")
name, _, when = where.partition(" ")
real = getattr(os, name)

def counted(*args):
    global seen
    ours = (multiprocessing.parent_process() is not None) == (whom == "worker")
    seen += ours
    fatal = ours and seen == int(nth) and not mark.exists()
    if fatal and when == "before":
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    real(*args)
    if fatal:
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)

setattr(os, name, counted)
report = map_files(engine.load(model, threads=1), [inputs], out, workers=2, batch=8, chunk=40)
print(report.total, report.failed)
"""


def rows(count):
    """Images as the digits model takes them, all of them different."""
    return np.random.default_rng(count).integers(0, 17, (count, 8, 8)).astype(np.float32)


def saved(folder, name, array):
    path = str(folder / name)
    np.save(path, array)
    return path


def written(folder, name, documents):
    path = folder / name
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return str(path)


def choosing():
    """y = table[x]: a row whose index is not in the table of 10 rows fails."""
    table = np.arange(20, dtype=np.float32).reshape(10, 2)
    return engine.load(one_node("Gather", [table, np.zeros(4, np.int64)], constants=(0,)), threads=1)


def results(out):
    """The names of what a finished job left."""
    return sorted(path.name for path in pathlib.Path(out).iterdir())


def listed(out):
    return [json.loads(line) for line in (pathlib.Path(out) / "errors.jsonl").read_text().splitlines()]


def mapped(model, inputs, out, **options):
    """The report and, by name, the arrays of a job over rows."""
    report = map_files(model, inputs, str(out), **options)
    return report, {path.stem: np.load(path) for path in pathlib.Path(out).glob("*.npy")}
