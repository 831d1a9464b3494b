"""The processes of a job: each gets a chunk at a time; one that dies is replaced, and its chunk computed by another."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any

from engine import events
from engine.errors import InternalError
from engine.mapping.job import Job
from engine.mapping.source import Source
from engine.mapping.worker import At, Broken, Done, Task, work
from engine.rows import BatchCaller

CAREFUL_AFTER = 2
GIVEN_UP_AFTER = 2
DEATHS_IN_A_ROW = 10
PAUSE_SECONDS = 0.2
LEAVE_SECONDS = 2.0


class Workers:
    """count: processes. lock: a descriptor that they are not to keep.

    A chunk that ended two processes is computed item by item; an item that then ends two is given up, and reported as failed.
    """

    def __init__(self, count: int, job: Job, source: Source, caller: BatchCaller, lock: int | None) -> None:
        self._count, self._job, self._source, self._caller, self._lock = count, job, source, caller, lock
        self._context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._workers: dict[Connection, _Worker] = {}
        self._deaths: Counter[int] = Counter()
        self._deaths_at: Counter[int] = Counter()
        self._given_up: dict[int, str] = {}
        self._deaths_in_a_row = 0

    def run(self, chunks: Iterable[int], done: Callable[[int, int], None]) -> None:
        """Computes these chunks. done: called with the number and the failures of each. Raises what makes the job impossible."""
        waiting = deque(chunks)
        try:
            while waiting or any(worker.task is not None for worker in self._workers.values()):
                self._hand_out(waiting)
                for ready in connection.wait(list(self._workers)):
                    self._hear(ready, waiting, done)
        finally:
            self._end()

    def _hand_out(self, waiting: deque[int]) -> None:
        idle = [worker for worker in self._workers.values() if worker.task is None]
        while waiting and (idle or len(self._workers) < self._count):
            worker = idle.pop() if idle else self._start()
            worker.task = waiting.popleft()
            worker.at = None
            with contextlib.suppress(OSError):  # it died: its pipe tells
                worker.pipe.send(self._task(worker.task))

    def _task(self, number: int) -> Task:
        start, stop = self._job.bounds(number)
        careful = self._deaths[number] >= CAREFUL_AFTER
        given_up = {item: how for item, how in self._given_up.items() if start <= item < stop}
        return Task(number, start, stop, self._job.path(number), careful, given_up)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        forked = self._context.get_start_method() == "fork"
        inherited = [*self._workers, ours] if forked else []
        process = self._context.Process(
            target=work,
            args=(theirs, inherited, self._lock if forked else None, self._source, self._caller),
            daemon=True,
        )
        with warnings.catch_warnings():
            # the engine's threads survive a fork (docs/threads-and-fork.md)
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        theirs.close()
        self._workers[ours] = _Worker(process, ours)
        return self._workers[ours]

    def _hear(self, pipe: Any, waiting: deque[int], done: Callable[[int, int], None]) -> None:
        worker = self._workers[pipe]
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            self._bury(worker, waiting)
            return
        if isinstance(message, At):
            worker.at = message.item
        elif isinstance(message, Broken):
            raise message.error
        elif isinstance(message, Done):
            worker.task = None
            self._deaths_in_a_row = 0
            done(message.number, message.failed)

    def _bury(self, worker: _Worker, waiting: deque[int]) -> None:
        del self._workers[worker.pipe]
        worker.pipe.close()
        worker.process.join()
        how = _how_it_ended(worker.process.exitcode)
        events.emit(events.WARNING, "worker_died", f"worker {worker.process.pid} ended: {how}", pid=worker.process.pid)
        self._deaths_in_a_row += 1
        if worker.task is not None:
            waiting.appendleft(worker.task)
            self._blame(worker, how)
        if self._deaths_in_a_row > DEATHS_IN_A_ROW:
            raise InternalError(f"{self._deaths_in_a_row} processes ended one after the other, the last: {how}")
        if self._deaths_in_a_row > CAREFUL_AFTER:
            time.sleep(PAUSE_SECONDS)

    def _blame(self, worker: _Worker, how: str) -> None:
        assert worker.task is not None
        if self._deaths[worker.task] >= CAREFUL_AFTER and worker.at is not None:
            self._deaths_at[worker.at] += 1
            if self._deaths_at[worker.at] >= GIVEN_UP_AFTER:
                self._given_up[worker.at] = f"each process that computed it ended, the last: {how}"
                self._deaths_in_a_row = 0
        self._deaths[worker.task] += 1

    def _end(self) -> None:
        """They leave when their pipes end; one that computes when it should leave is killed."""
        busy = [worker.process for worker in self._workers.values() if worker.task is not None]
        for process in busy:
            process.kill()
        for pipe in self._workers:
            pipe.close()
        for worker in self._workers.values():
            worker.process.join(LEAVE_SECONDS)
            worker.process.kill()
            worker.process.join()
            worker.process.close()
        self._workers.clear()


class _Worker:
    """task: the chunk that it computes. at: the item that it said last it would compute."""

    def __init__(self, process: Any, pipe: Connection) -> None:
        self.process, self.pipe = process, pipe
        self.task: int | None = None
        self.at: int | None = None


def _how_it_ended(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
