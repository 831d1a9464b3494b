"""Metrics for Prometheus (extra engine[metrics]) and for OpenTelemetry (extra engine[otel]). docs/metrics.md lists them.

>>> import prometheus_client, engine.metrics
>>> prometheus_client.REGISTRY.register(engine.metrics.Collector())

Several worker processes: share(folder) in each of them, before calls come; Collector(folder) in whichever answers the scrape.
"""

from __future__ import annotations

from engine.metrics.collector import Collector
from engine.metrics.shared import share

__all__ = ["Collector", "share"]
