"""A progress bar on standard error; silent where that is no terminal."""

from __future__ import annotations

import sys

WIDTH = 30


class Progress:
    """with contextlib.closing(Progress(total, "bench")) as progress: progress.advance()"""

    def __init__(self, total: int, title: str) -> None:
        self.total, self.title, self.done = max(total, 1), title, 0
        self.shown = sys.stderr.isatty()
        self._draw()

    def close(self) -> None:
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def advance(self, label: str = "", by: int = 1) -> None:
        self.done += by
        self._draw(label)

    def _draw(self, label: str = "") -> None:
        if self.shown:
            filled = WIDTH * min(self.done, self.total) // self.total
            bar = "#" * filled + "." * (WIDTH - filled)
            print(f"\r\x1b[K{self.title} [{bar}] {self.done}/{self.total} {label}", end="", file=sys.stderr, flush=True)
