"""What all workers have counted: their pages summed, those of the dead kept in one file of totals."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine import _core
from engine.metrics import layout
from engine.metrics.sums import Sums

TOTALS = "totals.json"


def read(folder: str, mine: list[str]) -> Sums:
    """The sums over all pages; gauges only of processes that live. `mine`: the pages of this process.

    Opening a lock of one's own and closing it again would drop it (fcntl(2)), so those are not looked at.
    """
    with _locked(folder):
        totals, merged = _totals(folder)
        alive = Sums()
        dead: list[str] = []
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if not name.endswith(layout.PAGE_SUFFIX):
                continue
            if name in merged:
                _remove(path)
            elif path not in mine and _is_dead(path):
                _add(totals, path, living=False)
                dead.append(name)
            else:
                _add(alive, path, living=True)
        if dead:
            _write_totals(folder, totals, dead)
            for name in dead:
                _remove(os.path.join(folder, name))
        alive.add(totals)
        return alive


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    import fcntl

    with open(os.path.join(folder, "lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_dead(path: str) -> bool:
    """Whoever wrote the page holds its lock no more."""
    import fcntl

    with open(path + layout.LOCK_SUFFIX, "r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _remove(path: str) -> None:
    os.unlink(path)
    os.unlink(path + layout.LOCK_SUFFIX)


def _add(sums: Sums, path: str, living: bool) -> None:
    raw = np.memmap(path, np.uint8, "r")
    head = layout.unpadded(raw[: layout.HEADER_BYTES].tobytes())
    if head is None or head["magic"] != layout.MAGIC or head["buckets"] != len(_core.BUCKET_BOUNDS):
        return
    stride = layout.stride(head)
    for number in range(head["blocks"]):
        block = raw[layout.HEADER_BYTES + number * stride :][:stride]
        labels = layout.unpadded(block[: layout.LABEL_BYTES].tobytes())
        if labels is None:
            return
        after = layout.LABEL_BYTES + layout.GAUGE_BYTES
        words = block[after : after + head["block_bytes"]].view(np.uint64)
        if labels["kind"] == "http":
            sums.add_responses({code: int(words[code]) for code in np.flatnonzero(words).tolist()})
            continue
        counts = layout.model_counts(head, words)
        gauges = None
        if living:
            gauges = dict(zip(head["gauges"], block[layout.LABEL_BYTES : after].view(np.uint64).tolist(), strict=False))
        else:
            counts["in_flight"] = 0
        sums.add_model(labels["model"], labels["version"], counts, gauges)


def _totals(folder: str) -> tuple[Sums, list[str]]:
    try:
        with open(os.path.join(folder, TOTALS)) as file:
            saved: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return Sums(), []
    return Sums.from_json(saved["sums"]), saved["merged"]


def _write_totals(folder: str, totals: Sums, merged: list[str]) -> None:
    """The file names the pages that it has taken in, so that a page which could not be removed counts once."""
    path = os.path.join(folder, TOTALS)
    with open(path + ".new", "w") as file:
        json.dump({"sums": totals.to_json(), "merged": merged}, file)
    os.replace(path + ".new", path)
