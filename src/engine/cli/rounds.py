"""Calls in rounds: the runtimes take turns of about a tenth of the time, so that a busy moment of the machine hits all."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

Runner = Callable[[], Any]
ROUNDS = 10


@dataclass
class Measurement:
    """Seconds of each call, and the seconds of wall time in which they were made."""

    times: list[float] = field(default_factory=list)
    wall: float = 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def p50(self) -> float:
        return self.percentile(0.50)

    @property
    def p90(self) -> float:
        return self.percentile(0.90)

    @property
    def p99(self) -> float:
        return self.percentile(0.99)

    @property
    def throughput(self) -> float:
        return len(self.times) / self.wall

    def as_dict(self) -> dict[str, float]:
        return {
            "calls": len(self.times),
            "p50_us": self.p50 * 1e6,
            "p90_us": self.p90 * 1e6,
            "p99_us": self.p99 * 1e6,
            "min_us": min(self.times) * 1e6,
            "calls_per_second": self.throughput,
        }


def measure(runners: dict[str, Runner], callers: int, seconds: float) -> dict[str, Measurement]:
    """Each runner for `seconds` in all, `callers` threads calling at once, after two calls that are not counted."""
    measured = {name: Measurement() for name in runners}
    for run in runners.values():
        run()
        run()
    for _ in range(ROUNDS):
        for name, run in runners.items():
            _round(run, callers, seconds / ROUNDS, measured[name])
    return measured


def _round(run: Runner, callers: int, seconds: float, into: Measurement) -> None:
    start = time.perf_counter()
    stop = start + seconds
    if callers == 1:
        into.times.extend(_calls(run, stop))
    else:
        with ThreadPoolExecutor(callers) as pool:
            for times in pool.map(lambda _: _calls(run, stop), range(callers)):
                into.times.extend(times)
    into.wall += time.perf_counter() - start


def _calls(run: Runner, stop: float) -> list[float]:
    """The seconds of each of the calls until `stop`; at least one."""
    times = []
    now = time.perf_counter()
    while True:
        run()
        then, now = now, time.perf_counter()
        times.append(now - then)
        if now >= stop:
            return times
