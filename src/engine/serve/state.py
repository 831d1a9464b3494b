"""What all requests of a process share."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

from engine.serve.library import Library
from engine.serve.options import Options

if TYPE_CHECKING:
    from engine.metrics import Collector
    from engine.serve.spans import Spans


class State:
    """leaving: the process is going: it is not ready, and connections are not kept. in_flight: requests without an answer yet."""

    def __init__(self, library: Library, options: Options) -> None:
        self.library = library
        self.options = options
        self.leaving = False
        self.in_flight = 0
        self.responses: Any = [0] * 600
        self._prefix = os.urandom(6).hex()
        self._numbers = itertools.count(1)
        self._collector: Collector | None = None
        self.spans: Spans | None = None

    def new_request_id(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"

    @property
    def ready(self) -> bool:
        return not self.leaving and self.library.ready

    def count_in_shared_memory(self) -> None:
        """After the fork of a worker: its responses are counted where the others' are."""
        from engine.metrics import shared

        assert self.options.metrics_folder is not None
        shared.share(self.options.metrics_folder)
        worker = shared.worker()
        assert worker is not None
        page, number = worker.place({"kind": "http"})
        self.responses = page.counters(number).data
        self._prefix = os.urandom(6).hex()

    def collector(self) -> Collector:
        from engine.metrics import Collector

        if self._collector is None:
            self._collector = Collector(self.options.metrics_folder)
        if self.options.metrics_folder is None:
            self._collector.responses = {code: count for code, count in enumerate(self.responses) if count}
        return self._collector
