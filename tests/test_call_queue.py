"""The queue of calls: who is refused at once, who goes first, who cannot finish in time."""

import engine
import pytest
from servicing import ENDLESS, Call, assert_idle, busy, counting, feeds, outcomes, wait_for_stats


@pytest.fixture
def model():
    with counting(max_queue=4) as loaded:
        assert_idle(loaded, ok=1)
        yield loaded


def test_overloaded_at_once(model):
    with busy(model):
        waiting = [Call(model, feeds(1)) for _ in range(4)]
        wait_for_stats(model, queued=4)
        with pytest.raises(engine.Overloaded, match="1 calls compute and 4 wait") as caught:
            model.run(feeds(1))
        assert caught.value.retry_after >= 0
        with pytest.raises(engine.Overloaded):
            model.submit(feeds(1)).result()
        assert outcomes(model) == {"ok": 1, "overloaded": 2}
    for call in waiting:
        assert call.ended().answer is not None
    assert_idle(model, ok=5, overloaded=2, cancelled=1)


def test_order_and_priority(model):
    order = []
    with busy(model):
        calls = {}
        for place, (name, priority) in enumerate([("a", None), ("b", "normal"), ("c", "high"), ("d", "high")], 1):
            calls[name] = Call(model, feeds(ENDLESS), priority=priority, cancel=(token := engine.CancelToken()))
            calls[name].token = token
            wait_for_stats(model, queued=place)
    for _ in range(4):
        wait_for_stats(model, running=1, queued=3 - len(order))
        order.append(next_to_end(model, calls, order))
    assert order == ["c", "d", "a", "b"]
    assert_idle(model, ok=1, cancelled=5)


def next_to_end(model, calls, ended):
    """The call that computes: cancels one after another in the order expected, and sees from its error where it was."""
    for name in ("c", "d", "a", "b"):
        if name in ended:
            continue
        calls[name].token.cancel()
        assert "in the queue" not in str(calls[name].ended().error), f"{name} was still in the queue"
        return name
    raise AssertionError


def test_late_calls_are_refused():
    with counting(refuse_late=True, max_queue=4) as model:
        model.run(feeds(200_000), timeout=60)
        with busy(model):
            with pytest.raises(engine.Overloaded, match="cannot finish in time"):
                model.run(feeds(1), timeout=1e-6)
        with pytest.raises(engine.DeadlineExceeded):
            model.run(feeds(ENDLESS), timeout=1e-6)
        assert_idle(model, ok=2, overloaded=1, cancelled=1, deadline_compute=1)
