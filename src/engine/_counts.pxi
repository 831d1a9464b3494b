# Counters of a model as Python sees them.

OUTCOMES = {outcome_name(i).decode(): outcome_help(i).decode() for i in range(kOutcomes)}
COUNTERS = {counter_name(i).decode(): counter_help(i).decode() for i in range(kCounters)}
MEASURES = {measure_name(i).decode(): measure_help(i).decode() for i in range(kMeasures)}
BLOCK_BYTES = MetricsBlock.bytes()
BLOCK_CELLS = MetricsBlock.cells()
BUCKET_BOUNDS = tuple([Buckets.lower(i) for i in range(kBuckets)])


cdef dict counts_of(const MetricsSnapshot& snapshot):
    cdef int i
    return {
        "started": snapshot.started,
        "in_flight": snapshot.in_flight,
        "outcomes": {name: outcome_count(snapshot, i) for i, name in enumerate(OUTCOMES)},
        "events": {name: counter_count(snapshot, i) for i, name in enumerate(COUNTERS)},
        "seconds": {name: durations(histogram(snapshot, i)) for i, name in enumerate(MEASURES)},
    }


cdef dict durations(const Histogram& h):
    """Seconds. buckets: (lower bound, count) of those that are not empty."""
    cdef size_t i
    cdef uint64_t count = h.count()
    return {
        "count": count,
        "sum": h.sum() * 1e-9,
        "p50": h.quantile(0.5) * 1e-9,
        "p90": h.quantile(0.9) * 1e-9,
        "p99": h.quantile(0.99) * 1e-9,
        "p999": h.quantile(0.999) * 1e-9,
        "buckets": [(Buckets.lower(<int>i) * 1e-9, h.counts()[i]) for i in range(h.counts().size()) if h.counts()[i]],
    }
