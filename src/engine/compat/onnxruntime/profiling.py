"""SessionOptions.enable_profiling: every step timed, written as a trace that browsers and trace viewers show."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from typing import Any

# What Model.profile tells of a step: microseconds, operator, name, the outputs' types.
_STEP = re.compile(r"\s*(?P<us>[\d.]+) us\s+(?P<op>\S+)\s+(?P<name>\S*)\s*(?P<types>.*)")


class Profile:
    """The events of a session, from its beginning."""

    def __init__(self, prefix: str) -> None:
        self.began_ns = time.monotonic_ns()
        self._prefix = prefix
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def add_event(self, name: str, began_ns: int) -> None:
        """Something that ends now."""
        took = (time.monotonic_ns() - began_ns) / 1e3
        with self._lock:
            self._events.append(self._event("Session", name, (began_ns - self.began_ns) / 1e3, took, {}))

    def add_run(self, began_ns: int, steps: str) -> None:
        """A call and its steps, as Model.profile tells them, one after the other."""
        at = (began_ns - self.began_ns) / 1e3
        events = []
        for line in steps.splitlines():
            found = _STEP.match(line)
            if not found:
                continue
            arguments = {
                "op_name": found["op"],
                "output_type_shape": found["types"],
                "provider": "CPUExecutionProvider",
            }
            took = float(found["us"])
            events.append(self._event("Node", f"{found['name'] or found['op']}_kernel_time", at, took, arguments))
            at += took
        with self._lock:
            self._events += events
        self.add_event("model_run", began_ns)

    @staticmethod
    def _event(category: str, name: str, at_us: float, took_us: float, arguments: dict[str, Any]) -> dict[str, Any]:
        return {
            "cat": category,
            "pid": os.getpid(),
            "tid": threading.get_native_id(),
            "dur": round(took_us),
            "ts": round(at_us),
            "ph": "X",
            "name": name,
            "args": arguments,
        }

    def write(self) -> str:
        """Writes the file and returns its name."""
        path = f"{self._prefix}_{time.strftime('%Y-%m-%d_%H-%M-%S')}_{time.time_ns() // 1_000_000 % 1000:03d}.json"
        with self._lock, open(path, "w", encoding="utf-8") as file:
            json.dump(self._events, file)
        return path
