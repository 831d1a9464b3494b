"""What is told of the counters: names, units and help by the conventions of Prometheus, for every exporter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import engine
from engine import _core
from engine.metrics.sums import Sums

# Powers of two of nanoseconds, from 16 us to 34 s: edges of the core's own buckets, so that the counts are exact.
BUCKETS = tuple((1 << power) * 1e-9 for power in range(14, 36))

_HISTOGRAMS = {
    "queue": ("engine_queue_duration_seconds", "Waiting for a turn, of calls that got one"),
    "compute": ("engine_compute_duration_seconds", "Computing, of calls that were answered"),
    "total": ("engine_request_duration_seconds", "From the start of a call to its end, of calls that were answered"),
    "lag": ("engine_deadline_lag_seconds", "From a deadline that passed to the end of its call"),
    "stop": (
        "engine_stop_seconds",
        "From the checkpoint at which a call that computed was stopped to its end, its permit given back",
    ),
    "cancel_lag": ("engine_cancel_lag_seconds", "From a cancellation to the end of its call, its permit given back"),
}
_GAUGES = {
    "running": ("engine_requests_running", "Calls that compute"),
    "queued": ("engine_requests_queued", "Calls that wait for their turn"),
    "max_concurrency": ("engine_concurrency_limit", "Calls that may compute at once"),
    "max_queue": ("engine_queue_limit", "Calls that may wait"),
    "ready": ("engine_model_ready", "Processes in which the model takes calls"),
    "memory_used": ("engine_memory_used_bytes", "Weights, arenas and run-time tensors of all versions of the model"),
    "memory_peak": ("engine_memory_peak_bytes", "The most that engine_memory_used_bytes has been"),
    "threads": ("engine_threads", "Threads that one call may use"),
}


@dataclass
class Histogram:
    bounds: Sequence[float]
    counts: list[int]  # cumulative, one for each bound, then all
    total: float


@dataclass
class Family:
    """samples: (labels' values, value)."""

    name: str
    help: str
    kind: str  # "counter", "gauge" or "histogram"
    labels: tuple[str, ...] = ("model", "version")
    samples: list[tuple[tuple[str, ...], Any]] = field(default_factory=list)


def families(sums: Sums, models: Iterable[engine.Model], bounds: Sequence[float] = BUCKETS) -> Iterator[Family]:
    """models: those of this process, for what is told of each once."""
    yield from _counters(sums)
    for measure, (name, text) in _HISTOGRAMS.items():
        family = Family(name, text, "histogram")
        for (model, version), counts in sums.models.items():
            total, buckets = counts["nanoseconds"].get(measure, (0, np.zeros(len(_core.BUCKET_BOUNDS), np.uint64)))
            family.samples.append(((model, str(version)), histogram(total, buckets, bounds)))
        yield family
    for gauge, (name, text) in _GAUGES.items():
        family = Family(name, text, "gauge")
        for (model, version), told in sums.gauges.items():
            family.samples.append(((model, str(version)), told.get(gauge, 0)))
        yield family
    yield from _facts(models)


def _counters(sums: Sums) -> Iterator[Family]:
    requests = Family("engine_requests_total", "Calls by how they ended", "counter", ("model", "version", "outcome"))
    progress = Family("engine_requests_in_progress", "Calls that began and have not ended", "gauge")
    loads = Family(
        "engine_model_loads_total", "Versions loaded, and refused", "counter", ("model", "version", "result")
    )
    back = Family("engine_model_rollbacks_total", "Returns to the version before", "counter")
    for (model, number), counts in sums.models.items():
        version = str(number)
        for outcome, count in counts["outcomes"].items():
            requests.samples.append(((model, version, outcome), count))
        progress.samples.append(((model, version), counts["in_flight"]))
        loads.samples.append(((model, version, "ok"), counts["events"].get("loads_ok", 0)))
        loads.samples.append(((model, version, "failed"), counts["events"].get("loads_failed", 0)))
        back.samples.append(((model, version), counts["events"].get("rollbacks", 0)))
    yield from (requests, progress, loads, back)
    if sums.responses:
        responses = Family(
            "engine_http_responses_total", "Answers of engine.serve by status code", "counter", ("code",)
        )
        responses.samples = [((str(code),), count) for code, count in sorted(sums.responses.items())]
        yield responses


def _facts(models: Iterable[engine.Model]) -> Iterator[Family]:
    info = Family(
        "engine_model_info", "1; the digest of the version in service", "gauge", ("model", "version", "digest")
    )
    for model in models:
        stats = model.stats()
        if stats["version"] is not None:
            info.samples.append(((model.name, str(stats["version"]), stats["digest"]), 1))
    yield info
    yield Family("engine_cpus", "CPUs that the process may use", "gauge", (), [((), engine.cpus())])
    build = Family(
        "engine_build_info", "1; the version of the package and the instruction set in use", "gauge", ("version", "isa")
    )
    build.samples = [((engine.__version__, engine.isa()), 1)]
    yield build


def histogram(nanoseconds: int, buckets: Any, bounds: Sequence[float]) -> Histogram:
    """bounds: seconds; a bucket of the core belongs to the first bound that it lies below entirely."""
    edges = np.append(np.array(_core.BUCKET_BOUNDS[1:]), np.iinfo(np.int64).max)
    upto = np.concatenate(([0], np.cumsum(buckets)))
    places = np.searchsorted(edges, np.rint(np.array(bounds) * 1e9), side="right")
    return Histogram(bounds, [*(int(upto[place]) for place in places), int(upto[-1])], nanoseconds * 1e-9)
