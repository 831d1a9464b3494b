"""A worker's page: where its models count, so that whichever process is asked can tell of all, the dead included."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import threading
import time
from typing import Any

import numpy as np

from engine import model
from engine.errors import EngineError
from engine.metrics import layout

BLOCKS = 64
REFRESH_SECONDS = 1.0

_lock = threading.Lock()
_worker: Worker | None = None


class Worker:
    """What this process counts in a folder: a page, and more of them when one is full. Never unmapped.

    While the process lives it holds a lock beside each page; the system drops it when the process dies, however that happens.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._pages: list[_Page] = []
        self._places: dict[str, tuple[_Page, int]] = {}
        self._gauges: list[layout.Words] = []

    @property
    def paths(self) -> list[str]:
        return [page.path for page in self._pages]

    def place(self, labels: dict[str, Any]) -> tuple[_Page, int]:
        """The page and number of the block with these labels, made when there is none."""
        key = repr(labels)
        with _lock:
            if key not in self._places:
                if not self._pages or self._pages[-1].full:
                    self._pages.append(_Page(self.folder, len(self._pages)))
                self._places[key] = self._pages[-1], self._pages[-1].take(labels)
            return self._places[key]

    def address(self, name: str, version: int) -> int:
        page, number = self.place(_labels(name, version))
        return page.address(number)

    def refresh(self) -> None:
        """Write the gauges of this process's models; those of versions that answer no more become zero."""
        before, self._gauges = self._gauges, []
        for each in model.open_models():
            stats = each.stats()
            if stats["version"] is None:
                continue
            page, number = self.place(_labels(each.name, stats["version"]))
            page.gauges(number)[: len(layout.GAUGES)] = list(gauges_of(each, stats).values())
            self._gauges.append(page.gauges(number))
        current = {words.ctypes.data for words in self._gauges}
        for words in before:
            if words.ctypes.data not in current:
                words[:] = 0

    def refresh_for_ever(self) -> None:
        while _worker is self:
            with contextlib.suppress(Exception):
                self.refresh()
            time.sleep(REFRESH_SECONDS)


def _labels(name: str, version: int) -> dict[str, Any]:
    return {"kind": "model", "model": layout.label_of(name), "version": version}


def gauges_of(each: model.Model, stats: dict[str, Any]) -> dict[str, int]:
    """layout.GAUGES of a model, given its stats(). Zeros where it is not loaded."""
    memory = stats.get("memory", {"used": 0, "peak": 0})
    return {
        "running": stats["running"],
        "queued": stats["queued"],
        "max_concurrency": stats["max_concurrency"],
        "max_queue": stats["max_queue"],
        "ready": int(each.ready),
        "memory_used": memory["used"],
        "memory_peak": memory["peak"],
        "threads": stats.get("threads", 0),
    }


class _Page:
    def __init__(self, folder: str, number: int) -> None:
        import fcntl

        self._head = layout.header(BLOCKS)
        self._taken = 0
        self._stride = layout.stride(self._head)
        self.path = os.path.join(folder, f"{os.getpid()}-{time.time_ns():x}-{number}{layout.PAGE_SUFFIX}")
        self._lock = open(self.path + layout.LOCK_SUFFIX, "wb")  # noqa: SIM115 - open as long as the process lives
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        size = layout.page_bytes(self._head)
        with open(self.path + ".new", "w+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        self._map[: layout.HEADER_BYTES] = layout.padded(self._head, layout.HEADER_BYTES)
        self._bytes = np.frombuffer(self._map, np.uint8)
        os.rename(self.path + ".new", self.path)

    @property
    def full(self) -> bool:
        return self._taken == BLOCKS

    def take(self, labels: dict[str, Any]) -> int:
        number = self._taken
        at = layout.HEADER_BYTES + number * self._stride
        self._map[at : at + layout.LABEL_BYTES] = layout.padded(labels, layout.LABEL_BYTES)
        self._taken += 1
        return number

    def _words(self, number: int, offset: int, size: int) -> layout.Words:
        at = layout.HEADER_BYTES + number * self._stride + offset
        return self._bytes[at : at + size].view(np.uint64)

    def gauges(self, number: int) -> layout.Words:
        return self._words(number, layout.LABEL_BYTES, layout.GAUGE_BYTES)

    def counters(self, number: int) -> layout.Words:
        return self._words(number, layout.LABEL_BYTES + layout.GAUGE_BYTES, self._head["block_bytes"])

    def address(self, number: int) -> int:
        return int(self.counters(number).ctypes.data)


def share(folder: str | os.PathLike[str]) -> None:
    """From now on this process counts in a file in `folder`, for Collector(folder) in this or another process.

    The folder is made when it is missing; one in memory (/dev/shm, an emptyDir of medium Memory) is best, and every start of the
    service should have a fresh one. Call it in each worker, after the fork, before calls come. What a model has counted before
    moves along, unless calls are under way. A forked child counts for itself until it calls this too.
    """
    global _worker
    if sys.platform == "win32":
        raise NotImplementedError("counting in shared memory is not supported on Windows")
    path = os.path.abspath(os.fspath(folder))
    if _worker is not None and _worker.folder == path:
        return
    os.makedirs(path, exist_ok=True)
    worker = Worker(path)
    _worker = worker
    model.place_of_counts = worker.address
    for each in model.open_models():
        for version in each._counts_by_version():
            if version:
                each._counts_for(version, worker.address(each.name, version))
        with contextlib.suppress(EngineError):
            each._counts_for(each.version, worker.address(each.name, each.version))
    threading.Thread(target=worker.refresh_for_ever, name="engine-metrics", daemon=True).start()


def worker() -> Worker | None:
    """What this process counts in, if it shares."""
    return _worker


def _after_fork() -> None:
    global _worker, _lock
    _lock = threading.Lock()
    _worker = None
    model.place_of_counts = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
