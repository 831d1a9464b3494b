"""The end of a process: drain every model, on a signal or when the interpreter exits."""

from __future__ import annotations

import atexit
import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from engine.model import DrainReport, Model, open_models

_Handler = Callable[[int, FrameType | None], Any]


def drain_all(timeout: float | None = 30.0) -> dict[str, DrainReport]:
    """Drain all models of this process at once; returns a report for each name (numbered where names repeat).

    timeout: seconds for all of them together; None: for ever.
    """
    end = None if timeout is None else time.monotonic() + timeout
    models = _named()
    for _, model in models:
        model._begin_drain()
    return {name: model.drain(None if end is None else max(0.0, end - time.monotonic())) for name, model in models}


def _named() -> list[tuple[str, Model]]:
    seen: dict[str, int] = {}
    named = []
    for model in open_models():
        seen[model.name] = seen.get(model.name, 0) + 1
        suffix = f"#{seen[model.name]}" if seen[model.name] > 1 else ""
        named.append((model.name + suffix, model))
    return named


def install_signal_handlers(
    signals: tuple[int, ...] = (signal.SIGTERM, signal.SIGINT), *, timeout: float = 30.0
) -> Callable[[], None]:
    """On these signals drain all models, then do what would have been done without: call the handler that was there, or end.

    Readiness changes at once; calls in flight have `timeout` seconds, then they are stopped. A second signal of the same kind
    goes straight to the handler that was there. Call it on the main thread. Returns a function that puts the handlers back.
    """
    before: dict[int, Any] = {}
    draining: set[int] = set()

    def handle(number: int, frame: FrameType | None) -> None:
        if number not in draining:
            draining.add(number)
            drain_all(timeout)
            draining.discard(number)
        _chain(before[number], number, frame)

    for number in signals:
        before[number] = signal.signal(number, handle)

    def put_back() -> None:
        for number, handler in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)

    return put_back


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
