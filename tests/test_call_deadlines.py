"""Deadlines of calls, in the queue and while they compute; and who may lengthen them."""

import engine
import pytest
from servicing import ENDLESS, assert_idle, busy, counting, feeds


@pytest.fixture
def model():
    with counting(max_queue=4) as loaded:
        assert_idle(loaded, ok=1)
        yield loaded


@pytest.mark.parametrize("way", ["run", "submit"])
def test_deadline_in_the_queue(model, way):
    with busy(model):
        with pytest.raises(engine.DeadlineExceeded, match="in the queue") as caught:
            if way == "run":
                model.run(feeds(1), timeout=0.02)
            else:
                model.submit(feeds(1), timeout=0.02).result()
        assert caught.value.waited >= 0.02
        assert caught.value.computed == 0
        assert model.stats()["running"] == 1
        assert model.stats()["queued"] == 0
    assert_idle(model, ok=1, deadline_queue=1, cancelled=1)
    assert model.stats()["seconds"]["lag"]["count"] == 1


@pytest.mark.parametrize("way", ["run", "submit"])
def test_no_time_at_all_with_no_permit_free(model, way):
    with busy(model):
        for _ in range(50):
            with pytest.raises(engine.DeadlineExceeded):
                model.run(feeds(1), timeout=0) if way == "run" else model.submit(feeds(1), timeout=0).result()
    assert_idle(model, ok=1, deadline_queue=50, cancelled=1)


@pytest.mark.parametrize("way", ["run", "submit"])
def test_deadline_in_compute(model, way):
    with pytest.raises(engine.DeadlineExceeded) as caught:
        if way == "run":
            model.run(feeds(ENDLESS), timeout=0.02)
        else:
            model.submit(feeds(ENDLESS), timeout=0.02).result()
    assert caught.value.computed > 0
    assert "Loop" in caught.value.node or "Add" in caught.value.node
    assert_idle(model, ok=1, deadline_compute=1)


def test_max_timeout_only_shortens():
    with counting(max_queue=4, max_timeout=0.02) as model:
        for timeout in (None, 1000.0, 0.01):
            with pytest.raises(engine.DeadlineExceeded) as caught:
                model.run(feeds(ENDLESS), timeout=timeout)
            assert caught.value.waited + caught.value.computed >= (timeout == 0.01 and 0.01 or 0.02)
        with pytest.raises(engine.DeadlineExceeded):
            model.submit(feeds(ENDLESS), timeout=1000.0).result()


def test_default_timeout_may_be_lengthened():
    with counting(timeout=0.02) as model:
        with pytest.raises(engine.DeadlineExceeded):
            model.run(feeds(ENDLESS))
        assert model.run(feeds(1), timeout=60)["y"][0] == 1
