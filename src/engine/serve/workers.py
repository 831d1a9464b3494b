"""Several processes on one socket: started by fork, restarted when they die, led out together."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable

from engine import events
from engine.serve.leaving import Signals
from engine.serve.library import Library
from engine.serve.options import Options
from engine.serve.server import serve

YOUNG_SECONDS = 5.0
BACKOFF_SECONDS = 1.0
GRACE_SECONDS = 5.0


class Workers:
    """The parent. It loads nothing and answers nothing after the fork; models that were loaded before are shared by all."""

    def __init__(
        self,
        count: int,
        open_library: Callable[[], Library],
        sock: socket.socket,
        options: Options,
        signals: Signals,
    ) -> None:
        self._count = count
        self._open_library = open_library
        self._sock = sock
        self._options = options
        self._signals = signals
        self._born: dict[int, float] = {}

    def run(self) -> int:
        """Until a signal says to leave and all workers have gone. Returns the exit code."""
        for _ in range(self._count):
            self._start()
        while not self._signals.received:
            self._replace_the_dead()
            time.sleep(0.1)
        return self._lead_out()

    def _start(self) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # the engine's threads survive a fork (docs/threads-and-fork.md)
            pid = os.fork()
        if pid:
            self._born[pid] = time.monotonic()
            events.emit(events.INFO, "worker_started", f"worker {pid}", pid=pid)
            return
        code = 1
        try:
            os.setpgid(0, 0)  # a terminal's Ctrl-C reaches the parent alone, which passes it on
            self._signals.received.clear()
            code = serve(self._open_library, self._sock, self._options, self._signals, parent)
        except BaseException as error:  # noqa: BLE001 - the parent sees the exit code, the log why
            events.emit(events.ERROR, "worker_failed", f"{type(error).__name__}: {error}", pid=os.getpid())
        finally:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _replace_the_dead(self) -> None:
        for pid, status in self._reap():
            age = time.monotonic() - self._born.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            events.emit(events.ERROR, "worker_died", f"worker {pid} ended with {code}", pid=pid, code=code, seconds=age)
            if age < YOUNG_SECONDS:
                time.sleep(BACKOFF_SECONDS)
            if not self._signals.received:
                self._start()

    def _reap(self) -> list[tuple[int, int]]:
        gone = []
        for pid in list(self._born):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                gone.append((pid, status))
        return gone

    def _lead_out(self) -> int:
        """Passes on each signal; whoever is left when all time is over is killed."""
        self._sock.close()
        passed = 0
        end = time.monotonic() + self._options.drain_delay + self._options.drain_timeout + GRACE_SECONDS
        while self._born and time.monotonic() < end:
            for number in self._signals.received[passed:]:
                passed += 1
                self._tell_all(number)
            for pid, _ in self._reap():
                del self._born[pid]
            time.sleep(0.02)
        self._tell_all(signal.SIGKILL)
        return 0 if not self._born else 1

    def _tell_all(self, number: int) -> None:
        for pid in self._born:
            os.kill(pid, number)
