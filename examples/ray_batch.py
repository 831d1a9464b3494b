"""A model over a data set with Ray: several worker processes, weights that they share, answers checked against single calls.

    pip install "engine[ray]"
    python examples/ray_batch.py                                        the digits model over 20,000 images
    python examples/ray_batch.py --kill                                 the same; one worker is killed on the way
    python examples/ray_batch.py model.onnx --shape input_ids=16 ...    another model over rows of random numbers

--shape says what one row of an input looks like; what the model leaves open is 1 without it. Exit code 1: a row is missing, is
there twice, or is not what a single call answers.
"""

import argparse
import os
import pathlib
import re
import signal
import sys
import tempfile
import time
from typing import Any

import numpy as np

import engine
from engine.cli.feeds import parse_shapes, random_array
from engine.integrations.ray import BatchMapper

FOLDER = pathlib.Path(__file__).parent / "digits"
DISTINCT = 1000


class Watched(BatchMapper):
    """Tells with each row who computed it, and how much of the shared weights that process has mapped."""

    def __init__(self, model: str, *, cache: Any = None, **options: Any) -> None:
        super().__init__(model, cache=cache, **options)
        self._folder = cache or None

    def __call__(self, table: dict[str, Any]) -> dict[str, Any]:
        answered = super().__call__(table)
        rows = len(answered["id"])
        mapped, share = mapped_below(self._folder)
        for name, value in (("worker", os.getpid()), ("mapped", mapped), ("share", share), ("pss", pss())):
            answered[name] = np.full(rows, value)
        return answered


def mapped_below(folder: str | None) -> tuple[int, int]:
    """Bytes of files in this folder that are in this process's memory, and its share of them (PSS): each page by its users."""
    found = {"Rss": 0, "Pss": 0}
    inside = False
    if folder is None:
        return 0, 0
    for line in pathlib.Path("/proc/self/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = folder in line
        name, _, value = line.partition(":")
        if inside and name in found:
            found[name] += int(value.split()[0]) << 10
    return found["Rss"], found["Pss"]


def pss() -> int:
    """Bytes of this process; what it shares counts by the number of those who do."""
    text = pathlib.Path("/proc/self/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[1]) << 10


def rows_of(model: engine.Model, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Some rows for each input: of the digits' test set, or random."""
    if model.path == str((FOLDER / "digits.onnx").resolve()):
        return {"image": np.load(FOLDER / "test_set.npz")["images"]}
    rng = np.random.default_rng(0)
    found = {}
    for info in model.inputs:
        open_shape = [dim if isinstance(dim, int) else 1 for dim in (info.shape or ())][1:]
        found[info.name] = random_array(info, (DISTINCT, *shapes.get(info.name, open_shape)), rng)
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default=str(FOLDER / "digits.onnx"))
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--batch", type=int, default=32, help="rows a call (default: 32)")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds for each call (default: 30)")
    parser.add_argument("--shape", action="append", default=[], metavar="NAME=16", help="of one row of an input")
    parser.add_argument("--no-cache", action="store_true", help="each worker packs weights for itself")
    parser.add_argument("--kill", action="store_true", help="send SIGKILL to the first worker that answers")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    import ray

    model = engine.load(asked.model, threads=1)
    data = rows_of(model, parse_shapes(asked.shape))
    distinct = len(next(iter(data.values())))
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        ray.init(num_cpus=asked.workers + 1, include_dashboard=False, log_to_driver=False)
        images = ray.data.range(asked.rows, override_num_blocks=4 * asked.workers).map_batches(
            lambda table: {"id": table["id"], **{name: rows[table["id"] % distinct] for name, rows in data.items()}}
        )
        answers = images.map_batches(
            Watched,
            fn_constructor_kwargs={
                "model": os.path.abspath(asked.model),
                "batch": asked.batch,
                "timeout": asked.timeout,
                "keep": ["id"],
                "row_id": "id",
                "cache": False if asked.no_cache else folder,
            },
            batch_size=16 * asked.batch,
            concurrency=asked.workers,
            num_cpus=1,
        )
        report = follow(answers, asked, model, data)
        ray.shutdown()
    return report


def follow(answers: Any, asked: argparse.Namespace, model: engine.Model, data: dict[str, np.ndarray]) -> int:
    """Takes the answers as they come and checks each row; the exit code."""
    wanted: dict[int, dict[str, np.ndarray]] = {}
    seen = np.zeros(asked.rows, int)
    workers: dict[int, tuple[int, int, int, int]] = {}
    wrong, began, first = 0, time.monotonic(), 0.0
    killed = None
    distinct = len(next(iter(data.values())))
    for table in answers.iter_batches(batch_size=None, batch_format="numpy"):
        first = first or time.monotonic()
        for pid in np.unique(table["worker"]).tolist():
            of_it = table["worker"] == pid
            count = workers.get(pid, (0,))[0] + int(of_it.sum())
            workers[pid] = (count, *(int(table[name][of_it][-1]) for name in ("mapped", "share", "pss")))
            if asked.kill and killed is None:
                killed = pid
                os.kill(pid, signal.SIGKILL)
        np.add.at(seen, table["id"], 1)
        for at, row in enumerate((table["id"] % distinct).tolist()):
            if row not in wanted:
                wanted[row] = single_call(model, data, row)
            wrong += not all(
                np.allclose(table[name][at], value, rtol=1e-4, atol=1e-4) for name, value in wanted[row].items()
            )
    seconds = time.monotonic() - began
    for pid, (count, mapped, share, whole) in sorted(workers.items()):
        shared = f"; packed weights {mapped / 1e6:.1f} MB, of which its share is {share / 1e6:.1f} MB" if mapped else ""
        print(f"worker {pid}: {count} rows, {whole / 1e6:.0f} MB of memory (PSS){shared}")
    if killed is not None:
        print(f"worker {killed} was killed")
    lost, twice = int((seen == 0).sum()), int((seen > 1).sum())
    print(f"{asked.rows} rows in {seconds:.1f} s, with Ray's start; {len(wanted)} single calls to compare with")
    print(f"rows lost {lost}, twice {twice}, not as a single call answers {wrong}")
    return 1 if lost or twice or wrong else 0


def single_call(model: engine.Model, data: dict[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
    from engine.rows import fitted

    answer = model.run({info.name: fitted(info, data[info.name][row : row + 1]) for info in model.inputs})
    return {name: value[0] for name, value in answer.items()}


if __name__ == "__main__":
    sys.exit(main())
