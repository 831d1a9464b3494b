"""RunContext::parallel: every item once, and stopping by deadline and cancellation."""

import threading
import time

import pytest

from engine import _testing


@pytest.fixture
def fake_clock():
    _testing.set_fake_clock(1_000)
    yield
    _testing.use_real_clock()


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(
    ("items", "ns_per_item"), [(1, 1.0), (1, 1e9), (1000, 1.0), (1000, 3e3), (77, 1e6), (10**6, 0.5)]
)
def test_parallel_does_every_item_once(threads, items, ns_per_item):
    result = _testing.run_parallel(items, ns_per_item, threads)
    assert result.code == "Ok"
    assert (result.counts == 1).all()
    assert result.most_worker < threads


@pytest.mark.parametrize("items", [0, -5])
def test_parallel_of_nothing(items, fake_clock):
    assert _testing.run_parallel(items, 1e6, 2).code == "Ok"
    assert _testing.run_parallel(items, 1e6, 2, deadline_ns=500).code == "DeadlineExceeded"


def test_stops_at_the_deadline(fake_clock):
    # Each item takes 100 us by the fake clock: one tile an item, and the deadline comes after 10 of them.
    result = _testing.run_parallel(100, 100e3, 1, deadline_ns=1_000 + 10 * 100_000, fake_step_ns=100_000)
    assert result.code == "DeadlineExceeded"
    assert result.counts[:10].tolist() == [1] * 10
    assert not result.counts[10:].any()
    assert result.checkpoints == 11


@pytest.mark.parametrize("threads", [1, 3])
def test_a_deadline_that_has_passed_starts_nothing(fake_clock, threads):
    result = _testing.run_parallel(100, 100e3, threads, deadline_ns=1_000)
    assert result.code == "DeadlineExceeded"
    assert result.checkpoints == 1
    assert not result.counts.any()


def test_no_deadline_never_stops(fake_clock):
    result = _testing.run_parallel(50, 100e3, 1, fake_step_ns=10**15)
    assert result.code == "Ok"
    assert (result.counts == 1).all()


@pytest.mark.parametrize("ns_per_item", [10.0, 1e3, 50e3, 99e3])
def test_a_checkpoint_at_least_every_tile(ns_per_item):
    items = int(20e6 / ns_per_item)
    result = _testing.run_parallel(items, ns_per_item, 1)
    assert result.checkpoints >= items * ns_per_item / _testing.TILE_NS


@pytest.mark.parametrize("threads", [1, 2])
def test_deadline_in_real_time(threads):
    begin = time.perf_counter()
    deadline = _testing.now_ns() + 200_000_000
    result = _testing.run_parallel(10**6, 10e3, threads, deadline_ns=deadline, item_ns=10_000)
    seconds = time.perf_counter() - begin
    assert result.code == "DeadlineExceeded"
    assert 0.2 <= seconds < 5
    assert result.counts.max() == 1
    assert 0 < result.counts.sum() < 10**6


@pytest.mark.parametrize("threads", [1, 2])
def test_cancel_from_another_thread(threads):
    token = _testing.CancelToken()
    threading.Timer(0.02, token.cancel).start()
    begin = time.perf_counter()
    result = _testing.run_parallel(10**6, 10e3, threads, token=token, item_ns=10_000)
    assert result.code == "Cancelled"
    assert time.perf_counter() - begin < 1.0
    assert 0 < result.counts.sum() < 10**6


def test_cancelled_before_the_deadline_says_cancelled(fake_clock):
    token = _testing.CancelToken()
    token.cancel()
    assert _testing.run_parallel(100, 100e3, 1, deadline_ns=0, token=token).code == "Cancelled"


@pytest.mark.parametrize("ns", [1.0, 200.0, 3e3, 19e3, 1e6])
def test_little_work_reads_the_clock_rarely_but_in_time(fake_clock, ns):
    counted = max(ns, _testing.LEAST_WORK_NS)
    done, checkpoints, code = _testing.check_after(1000, ns, 0, deadline_ns=2_000)
    assert (done, code) == (1000, "Ok")
    assert 1 + int(1000 * counted / (_testing.UNREAD_NS + counted)) <= checkpoints <= 1 + 1000 * counted / _testing.UNREAD_NS


@pytest.mark.parametrize("ns", [200.0, 3e3, 19e3, 1e6])
def test_little_work_stops_soon_after_the_deadline(fake_clock, ns):
    took = int(max(ns, _testing.LEAST_WORK_NS))
    done, _, code = _testing.check_after(10**6, ns, took, deadline_ns=10_000_000)
    assert code == "DeadlineExceeded"
    assert 0 <= 1_000 + done * took - 10_000_000 <= _testing.UNREAD_NS + took


def test_a_clock_that_was_just_read_is_not_read_again(fake_clock):
    assert _testing.check_after(5, 1e3, 0, deadline_ns=2_000, begun_ns=1_000) == (5, 0, "Ok")
    assert _testing.check_after(5, 1e3, 0, deadline_ns=1_000, begun_ns=1_000) == (0, 0, "DeadlineExceeded")


def test_a_cancelled_call_starts_nothing(fake_clock):
    token = _testing.CancelToken()
    token.cancel()
    for begun in (0, 1_000):
        done, _, code = _testing.check_after(5, 1e3, 0, deadline_ns=2_000, begun_ns=begun, token=token)
        assert (done, code) == (0, "Cancelled")
