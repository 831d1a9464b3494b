"""The end of a process: drain every model, on a signal or when the interpreter exits."""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from engine import _core
from engine.drain import DrainReport
from engine.model import Model, open_models
from engine.threads import start_thread

_Handler = Callable[[int, FrameType | None], Any]


def drain_all(timeout: float | None = 30.0, *, models: Iterable[Model] | None = None) -> dict[str, DrainReport]:
    """Drain models at the same time; returns a report for each name (numbered where names repeat).

    timeout: seconds for all of them together; None: for ever.
    models: which; None: all of this process.
    """
    end = None if timeout is None else time.monotonic() + timeout
    named = _named(open_models() if models is None else models)
    begun = [(name, model._start_drain()) for name, model in named]
    return {name: finish(None if end is None else max(0.0, end - time.monotonic())) for name, finish in begun}


def _named(models: Iterable[Model]) -> list[tuple[str, Model]]:
    seen: dict[str, int] = {}
    named = []
    for model in models:
        seen[model.name] = seen.get(model.name, 0) + 1
        suffix = f"#{seen[model.name]}" if seen[model.name] > 1 else ""
        named.append((model.name + suffix, model))
    return named


def install_signal_handlers(
    signals: tuple[int, ...] = (signal.SIGTERM, signal.SIGINT), *, timeout: float = 30.0
) -> Callable[[], None]:
    """On these signals drain all models, then do what would have been done without: call the handler that was there, or end.

    Readiness changes at once; calls in flight have `timeout` seconds, then they are stopped. A call that the main thread itself is
    in is one of them: the handler that was there is called when it has ended. A second signal of the same kind goes straight to
    that handler. Call it on the main thread. Returns a function that puts the handlers back.
    """
    before: dict[int, Any] = {}
    draining: set[int] = set()
    impatient: set[int] = set()

    def handle(number: int, frame: FrameType | None) -> None:
        if number in draining:
            impatient.add(number)
            return _chain(before[number], number, frame)
        draining.add(number)
        wait = _drain_aside(timeout) if _core.in_call() else None
        if wait is not None:
            return _core.after_call(lambda: finish(wait, number, frame))
        finish(lambda: drain_all(timeout), number, frame)

    def finish(wait: Callable[[], Any], number: int, frame: FrameType | None) -> None:
        try:
            if number not in impatient:
                wait()
            if number not in impatient:
                _chain(before[number], number, frame)
        finally:
            draining.discard(number)
            impatient.discard(number)

    for number in signals:
        before[number] = signal.signal(number, handle)

    def put_back() -> None:
        for number, handler in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)

    return put_back


def _drain_aside(timeout: float) -> Callable[[], object] | None:
    """Drains on a thread of its own, which may wait for this one's call; what waits for its end, or None without a thread."""
    for model in open_models():
        model._begin_drain()
    try:
        drained = _thread.allocate_lock()
        drained.acquire()

        def drain() -> None:
            drain_all(timeout)
            drained.release()

        start_thread(drain)
    except (RuntimeError, MemoryError):
        return None
    return drained.acquire


def _chain(handler: Any, number: int, frame: FrameType | None) -> None:
    if callable(handler):
        handler(number, frame)
    elif handler == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@atexit.register
def _stop_all() -> None:
    """Calls of daemon threads and call threads must not compute while the interpreter goes."""
    for model in open_models():
        model.drain(0)
