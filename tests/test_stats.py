"""Counters: a consistent snapshot at any moment, and quantiles that tell the truth."""

import threading

import engine
import numpy as np
import pytest
from engine import _testing
from servicing import ENDLESS, Call, assert_idle, busy, counting, feeds, wait_for_stats

QUANTILES = [0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0]


@pytest.mark.parametrize("kind", ["uniform", "lognormal", "two values", "small", "one"])
def test_quantiles(kind):
    rng = np.random.default_rng(3)
    values = {
        "uniform": rng.integers(1_000, 1_000_000, 5000),
        "lognormal": rng.lognormal(15, 2, 20000).astype(np.int64),
        "two values": np.array([1000] * 990 + [5_000_000] * 10),
        "small": rng.integers(0, 16, 500),
        "one": np.array([123_456_789]),
    }[kind]
    count, total, got = _testing.histogram_quantiles(values.tolist(), QUANTILES)
    assert count == len(values)
    assert total == values.sum()
    ordered = np.sort(values)
    exact = [ordered[int(np.ceil(q * len(ordered))) - 1] for q in QUANTILES]
    np.testing.assert_allclose(got, exact, rtol=0.05)


def test_no_values():
    assert _testing.histogram_quantiles([], [0.5]) == (0, 0, [0.0])


def test_buckets():
    edges = [_testing.bucket_lower(i) for i in range(_testing.BUCKETS)]
    assert edges == sorted(set(edges))
    for i, edge in enumerate(edges):
        assert _testing.bucket_of(edge) == i
        if i:
            assert _testing.bucket_of(edge - 1) == i - 1
    assert _testing.bucket_of(-5) == 0
    assert _testing.bucket_of((1 << 63) - 1) == _testing.BUCKETS - 1


def test_every_snapshot_adds_up():
    model = counting(max_concurrency=2, max_queue=3)
    stop = threading.Event()

    def caller(seed):
        i = seed
        while not stop.is_set():
            i += 1
            try:
                if i % 3 == 0:
                    model.submit(feeds(5)).result()
                elif i % 3 == 1:
                    model.run(feeds(5))
                else:
                    model.run(feeds(ENDLESS), timeout=0.0005)
            except engine.EngineError:
                pass

    threads = [threading.Thread(target=caller, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    started = 0
    for _ in range(300):
        stats = model.stats()
        assert stats["started"] == sum(stats["outcomes"].values()) + stats["in_flight"]
        assert 0 <= stats["in_flight"] <= 6
        assert stats["started"] >= started
        assert 0 <= stats["running"] <= 2
        assert 0 <= stats["queued"] <= 3
        started = stats["started"]
    stop.set()
    for thread in threads:
        thread.join()
    assert_idle(model)


def test_histograms_count_calls():
    model = counting()
    for _ in range(9):
        model.run(feeds(1))
    with pytest.raises(engine.DeadlineExceeded):
        model.run(feeds(ENDLESS), timeout=0.01)
    seconds = model.stats()["seconds"]
    assert {name: seconds[name]["count"] for name in ("compute", "total", "lag", "stop")} == {
        "compute": 10,
        "total": 10,
        "lag": 1,
        "stop": 1,
    }
    assert seconds["queue"]["count"] == 11
    for name in ("compute", "total"):
        facts = seconds[name]
        assert 0 < facts["p50"] <= facts["p90"] <= facts["p99"] <= facts["p999"]
        assert sum(count for _, count in facts["buckets"]) == facts["count"]
        assert facts["sum"] > 0
    assert seconds["compute"]["sum"] <= seconds["total"]["sum"]


@pytest.mark.parametrize("how", ["run", "submit", "future", "queued", "before", "drained"])
def test_how_long_cancelled_calls_went_on(how):
    model, token = counting(max_queue=1), engine.CancelToken()
    count = 1
    if how == "queued":
        with busy(model) as endless:
            waiting = model.submit(feeds(1), cancel=token)
            token.cancel()
            assert isinstance(waiting.exception(60), engine.Cancelled)
            endless.cancel()
        count = 2
    elif how == "before":
        token.cancel()
        with pytest.raises(engine.Cancelled):
            model.run(feeds(ENDLESS), cancel=token)
    else:
        call = Call(model, feeds(ENDLESS), cancel=token) if how == "run" else model.submit(feeds(ENDLESS), cancel=token)
        wait_for_stats(model, running=1)
        stop = {"future": getattr(call, "cancel", None), "drained": lambda: model.drain(0)}.get(how, token.cancel)
        stop()
        wait_for_stats(model, in_flight=0)
    lag = model.stats()["seconds"]["cancel_lag"]
    assert (lag["count"], model.stats()["outcomes"]["cancelled"]) == (count, count)
    assert 0 <= lag["sum"] < 5
    stop = model.stats()["seconds"]["stop"]
    if how != "before":
        assert stop["count"] == 1
    assert stop["sum"] <= lag["sum"]


def test_what_is_in_flight_is_shown():
    model = counting(max_queue=7)
    with busy(model):
        stats = model.stats()
        assert (stats["in_flight"], stats["running"], stats["queued"]) == (1, 1, 0)
        assert (stats["max_concurrency"], stats["max_queue"]) == (1, 7)
    assert_idle(model, ok=1, cancelled=1)


def test_stats_of_a_closed_model():
    model = counting()
    model.close()
    stats = model.stats()
    assert (stats["state"], stats["version"], stats["in_flight"]) == ("CLOSED", None, 0)
    assert stats["outcomes"]["ok"] == 1
