"""A process that computes chunks: told one after the other through a pipe, until the pipe or the parent ends."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from engine.mapping.source import Care, Source
from engine.rows import BatchCaller


class Task(NamedTuple):
    """A chunk to compute: items from start to stop into `path`. The rest: as in Care."""

    number: int
    start: int
    stop: int
    path: str
    one_by_one: bool
    given_up: Mapping[int, str]


class At(NamedTuple):
    """The worker is about to compute items, this one first."""

    item: int


class Done(NamedTuple):
    number: int
    failed: int


class Broken(NamedTuple):
    """The job cannot go on."""

    error: Exception


def work(pipe: Connection, theirs: Iterable[Connection], lock: int | None, source: Source, caller: BatchCaller) -> None:
    """theirs, lock: what a fork copied from the parent, to be closed here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches the parent, which ends its workers
    for other in theirs:
        other.close()
    if lock is not None:
        os.close(lock)
    parent = os.getppid()

    def before(item: int) -> None:
        if os.getppid() != parent:
            os._exit(1)
        pipe.send(At(item))

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(_answer(pipe.recv(), source, caller, before))


def _answer(task: Task, source: Source, caller: BatchCaller, before: Any) -> Done | Broken:
    care = Care(before, task.one_by_one, task.given_up)
    try:
        return Done(task.number, source.compute(caller, task.start, task.stop, task.path, care))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent raises it
        return Broken(error)
