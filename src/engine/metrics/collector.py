"""The engine's counters as a collector of prometheus_client."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from engine.metrics import folder as pages
from engine.metrics import shared
from engine.metrics.families import BUCKETS, Family, Histogram, families
from engine.metrics.sums import Sums, counts_of_stats
from engine.model import Model, open_models

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Models = Iterable[Model] | Callable[[], Iterable[Model]]


class Collector:
    """For registry.register(...) of prometheus_client.

    folder: where worker processes share their counters (share); None: this process alone is told of.
    models: which; None: all of this process that are open. With a folder: for engine_model_info only, the rest tells of all.
    buckets: bounds of the histograms in seconds; those that are no edges of the core's buckets (a sixteenth of a power of two
        wide) are rounded down to one.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        models: Models | None = None,
        buckets: Sequence[float] = BUCKETS,
    ) -> None:
        self._folder = None if folder is None else os.path.abspath(os.fspath(folder))
        self._models = models
        self._buckets = tuple(buckets)
        self.responses: dict[int, int] = {}

    def families(self) -> Iterator[Family]:
        models = self._open()
        return families(self._shared() if self._folder is not None else self._own(models), models, self._buckets)

    def describe(self) -> list[Metric]:
        """Nothing: what there is to tell is known when it is asked for."""
        return []

    def collect(self) -> Iterator[Metric]:
        for family in self.families():
            yield _metric(family)

    def _open(self) -> list[Model]:
        if self._models is None:
            return open_models()
        return list(self._models() if callable(self._models) else self._models)

    def _shared(self) -> Sums:
        assert self._folder is not None
        mine = shared.worker()
        if mine is None or mine.folder != self._folder:
            return pages.read(self._folder, [])
        mine.refresh()
        return pages.read(self._folder, mine.paths)

    def _own(self, models: list[Model]) -> Sums:
        sums = Sums()
        for model in models:
            stats = model.stats()
            current = stats["version"] or 0
            for version, counts in model._counts_by_version().items():
                gauges = shared.gauges_of(model, stats) if version == current else None
                sums.add_model(model.name, version, counts_of_stats(counts), gauges)
        sums.add_responses(self.responses)
        return sums


def _metric(family: Family) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    if family.kind == "histogram":
        told = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in family.samples:
            assert isinstance(value, Histogram)
            bounds = [*(format(bound, ".9g") for bound in value.bounds), "+Inf"]
            told.add_metric(list(labels), list(zip(bounds, value.counts, strict=True)), value.total)
        return told
    make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = make(family.name, family.help, labels=family.labels)
    for labels, value in family.samples:
        metric.add_metric(list(labels), value)
    return metric
