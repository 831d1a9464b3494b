"""For ray.data.Dataset.map_batches."""

from __future__ import annotations

from typing import Any

from engine import integrations
from engine.integrations.ray.cpus import cpus
from engine.model import Model
from engine.source import Source


class BatchMapper(integrations.BatchMapper):
    """engine.integrations.BatchMapper as an actor of a pool: each loads the model when it starts.

    Unless `threads` says otherwise a call uses as many threads as the actor has CPUs (num_cpus). Ray shows rows in its progress bars
    and, as engine_rows, engine_failed_rows and engine_map_seconds, among its metrics.
    """

    def __init__(self, model: Model | Source, **options: Any) -> None:
        if not isinstance(model, Model):
            options.setdefault("threads", cpus())
        super().__init__(model, **options)
        self._counters: dict[str, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_counters": None}

    def _tell(self, rows: int, failed: int, seconds: float) -> None:
        super()._tell(rows, failed, seconds)
        if self._counters is None:
            self._counters = _counters()
        tags = {"model": self.model.name}
        for name, value in (("rows", rows), ("failed_rows", failed), ("map_seconds", seconds)):
            if value:
                self._counters[name].inc(value, tags)


def _counters() -> dict[str, Any]:
    from ray.util.metrics import Counter

    described = {
        "rows": "Rows that a model was called on.",
        "failed_rows": "Rows of which it gave an error.",
        "map_seconds": "Seconds that this took.",
    }
    return {name: Counter(f"engine_{name}", text, tag_keys=("model",)) for name, text in described.items()}
