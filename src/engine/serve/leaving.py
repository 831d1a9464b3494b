"""The end of a server, from the signal to the exit."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Remembers what came, from before there is a loop to tell. The first says leave, a second one: at once.

    Made on the main thread; on_signal is called on the loop's thread with the number of signals so far, and once for what came
    before listen().
    """

    def __init__(self) -> None:
        self.received: list[int] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_signal: Callable[[int], Any] | None = None
        self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}

    @property
    def first(self) -> int | None:
        return self.received[0] if self.received else None

    def listen(self, loop: asyncio.AbstractEventLoop, on_signal: Callable[[int], Any]) -> None:
        self._loop, self._on_signal = loop, on_signal
        if self.received:
            loop.call_soon(on_signal, len(self.received))

    def put_back(self) -> None:
        self._loop = None
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received.append(number)
        if self._loop is not None and self._on_signal is not None:
            self._loop.call_soon_threadsafe(self._on_signal, len(self.received))
