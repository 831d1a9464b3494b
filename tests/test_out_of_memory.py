"""Memory that is not there is an exception, whichever allocation meets it, and the engine goes on."""

import sys

import pytest
from engine import _testing
from servicing import constant_model
from subprocesses import python

ONE, TWO = constant_model(1, n=96), constant_model(2, n=96)
DIMS = [8, 96]
MEMORY = "MemoryLimitExceeded"
TRIES = 2000


@pytest.fixture
def fails_after():
    yield _testing.fail_allocation_after
    _testing.fail_allocation_after(0)


def failures_until_it_works(fails_after, operation):
    """Lets the first allocation fail, the second, ... until the operation needs no more; how often it failed."""
    for n in range(1, TRIES):
        fails_after(n)
        code = operation()
        fails_after(0)
        if code == "Ok":
            return n - 1
        assert code == MEMORY
    raise AssertionError("it never works")


def value(service, **options):
    code, least, most = service.run(DIMS, **options)
    assert code == "Ok"
    assert least == most
    return round(least, 3)


def test_load(fails_after):
    services = []

    def load():
        services.append(_testing.Service())
        return services[-1].load(ONE)

    assert failures_until_it_works(fails_after, load) > 0
    assert value(services[-1]) == 1
    assert [service.stats()["used"] for service in services[:-1]] == [0] * (len(services) - 1)


@pytest.mark.parametrize("background", [False, True])
def test_reload(fails_after, background):
    service = _testing.Service()
    assert service.load(ONE) == "Ok"
    assert value(service) == 1
    used = service.stats()["used"]

    def reload():
        code = service.load(TWO, background)
        fails_after(0)
        if code != "Ok":
            assert value(service) == 1
            assert service.stats()["used"] == used
        return code

    assert failures_until_it_works(fails_after, reload) > 0
    assert value(service) == 2
    assert service.stats()["used"] == used


@pytest.mark.parametrize("async_", [False, True])
@pytest.mark.parametrize("outputs_given", [False, True])
def test_calls(fails_after, async_, outputs_given):
    service = _testing.Service()
    assert service.load(ONE) == "Ok"

    def run():
        return service.run(DIMS, async_, outputs_given)[0]

    failures_until_it_works(fails_after, run)
    assert value(service) == 1
    stats = service.stats()
    assert (stats["in_flight"], stats["running"], stats["queued"]) == (0, 0, 0)
    service.close()
    assert service.stats()["used"] == 0


SWEEP = """
import gc, resource, sys
import engine
import numpy as np
from servicing import *

def size():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[0]) * resource.getpagesize()

def limit(room):
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY if room is None else size() + room, resource.RLIM_INFINITY))

def lift():
    limit(None)
    gc.collect()

steady = engine.load(counting_model(), threads=1)
steady.run(feeds(1))
big, inputs = constant_model(1, n=1024, m=64), ones(1024, 64)
loaded = engine.load(big, threads=1)
refused = 0
for room in (48, 24, 16, 12, 8, 6, 5, 4, 3, 2, 1, 0):
    for operation in (lambda: engine.load(big, threads=1).run(inputs), lambda: loaded.run({"x": np.ones((64, 1024), np.float32)})):
        limit(room << 20)
        try:
            operation()
        except MemoryError:
            refused += 1
        finally:
            lift()
        assert steady.run(feeds(2))["y"][0] == 2
        assert loaded.run(inputs)["y"][0, 0].round(3) == 1
wait_for_stats(loaded, **IDLE)
assert refused > 0
print("good")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_a_limit_on_the_address_space():
    no_freed_memory_is_kept = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    assert python(SWEEP, env=no_freed_memory_is_kept).endswith("good\n")
