"""The thread pool: what handing work to a helper costs and brings."""

import pytest

from engine import _testing

CPUS = _testing.available_cpus()
needs_two_cpus = pytest.mark.skipif(CPUS < 2, reason="one CPU: nobody to hand work to")


def best_job_ns(**job):
    _testing.pool_latency(reps=100, **job)
    return min(_testing.pool_latency(reps=2000, **job))


@pytest.mark.parametrize("helpers", [0, 1])
def test_empty_job(benchmark, helpers):
    benchmark(_testing.pool_latency, reps=1000, items=2, item_ns=0, helpers=helpers)


@needs_two_cpus
@pytest.mark.parametrize("item_us", [5, 20, 100])
def test_two_items_on_two_threads(benchmark, item_us):
    alone = best_job_ns(items=2, item_ns=item_us * 1000, helpers=0)
    together = best_job_ns(items=2, item_ns=item_us * 1000, helpers=1)
    benchmark.extra_info["speedup"] = round(alone / together, 3)
    benchmark(_testing.pool_latency, reps=100, items=2, item_ns=item_us * 1000, helpers=1)


@needs_two_cpus
def test_job_that_finds_helpers_asleep(benchmark):
    pause_ns = 6 * max(_testing.spin_limit_ns(), 10_000)
    alone = sorted(_testing.pool_latency(reps=200, items=2, item_ns=20_000, helpers=0, pause_ns=pause_ns))
    asleep = sorted(_testing.pool_latency(reps=200, items=2, item_ns=20_000, helpers=1, pause_ns=pause_ns))
    benchmark.extra_info["median_speedup"] = round(alone[100] / asleep[100], 3)
    benchmark(_testing.pool_latency, reps=10, items=2, item_ns=20_000, helpers=1, pause_ns=pause_ns)


@pytest.mark.parametrize("callers", [1, CPUS, 4 * CPUS])
def test_calls_side_by_side(benchmark, callers):
    right, _ = benchmark(
        _testing.pool_count, callers=callers, jobs=50, helpers=CPUS - 1, items=8, item_ns=10_000, whole_call=True
    )
    assert right == 50 * callers


def test_available_cpus(benchmark):
    assert benchmark(_testing.available_cpus) == CPUS
