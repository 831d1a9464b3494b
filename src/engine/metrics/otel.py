"""The engine's counters for an OpenTelemetry meter (extra engine[otel])."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from engine.metrics.collector import Collector
from engine.metrics.families import Family, Histogram

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

FRESH_SECONDS = 0.5


def observe(meter_provider: MeterProvider | None = None, collector: Collector | None = None) -> None:
    """Give every figure of docs/metrics.md to a meter named "engine", by the same names without unit and suffix.

    A histogram becomes three counters: .count, .sum (seconds) and .bucket, cumulative, with the attribute le.
    """
    from opentelemetry import metrics

    meter = metrics.get_meter("engine", meter_provider=meter_provider)
    source = _Source(collector or Collector())
    for family in source.now().values():
        name = name_of(family.name)
        if family.kind == "histogram":
            meter.create_observable_counter(
                name + ".count", [source.observer(family.name, _counts)], "{call}", family.help
            )
            meter.create_observable_counter(name + ".sum", [source.observer(family.name, _totals)], "s", family.help)
            meter.create_observable_counter(
                name + ".bucket", [source.observer(family.name, _buckets)], "{call}", family.help
            )
            continue
        make = meter.create_observable_counter if family.kind == "counter" else meter.create_observable_gauge
        make(name, [source.observer(family.name, _values)], "By" if "_bytes" in family.name else "", family.help)


def name_of(prometheus: str) -> str:
    """engine_requests_total -> engine.requests."""
    for suffix in ("_total", "_seconds", "_bytes"):
        prometheus = prometheus.removesuffix(suffix)
    return prometheus.replace("_", ".", 1)


class _Source:
    """The families, collected once for all the instruments of an export."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._lock = threading.Lock()
        self._until = 0.0
        self._families: dict[str, Family] = {}

    def now(self) -> dict[str, Family]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._families = {family.name: family for family in self._collector.families()}
                self._until = time.monotonic() + FRESH_SECONDS
            return self._families

    def observer(
        self, name: str, read: Callable[[Family], Iterable[Observation]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe_now(options: CallbackOptions) -> Iterable[Observation]:
            family = self.now().get(name)
            return [] if family is None else list(read(family))

        return observe_now


def _values(family: Family) -> Iterable[Observation]:
    from opentelemetry.metrics import Observation

    for labels, value in family.samples:
        yield Observation(value, dict(zip(family.labels, labels, strict=True)))


def _counts(family: Family) -> Iterable[Observation]:
    return _of_histograms(family, lambda histogram: histogram.counts[-1])


def _totals(family: Family) -> Iterable[Observation]:
    return _of_histograms(family, lambda histogram: histogram.total)


def _of_histograms(family: Family, read: Callable[[Histogram], float]) -> Iterable[Observation]:
    from opentelemetry.metrics import Observation

    for labels, histogram in family.samples:
        yield Observation(read(histogram), dict(zip(family.labels, labels, strict=True)))


def _buckets(family: Family) -> Iterable[Observation]:
    from opentelemetry.metrics import Observation

    for labels, histogram in family.samples:
        bounds = [*(format(bound, ".9g") for bound in histogram.bounds), "+Inf"]
        for bound, count in zip(bounds, histogram.counts, strict=True):
            yield Observation(count, {**dict(zip(family.labels, labels, strict=True)), "le": bound})
