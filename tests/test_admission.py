"""Who computes, who waits, who is sent away; and that no way out of a call keeps a permit or a counter."""

import asyncio
import signal
import threading

import engine
import numpy as np
import pytest
from engine import _testing
from engine._testing import Admission, Waiter
from servicing import ENDLESS, Call, assert_idle, busy, counting, feeds, outcomes, wait_for_stats, wait_until
from subprocesses import python


@pytest.fixture
def clock():
    """Sets the time of engine._testing's core."""
    yield _testing.set_fake_clock
    _testing.use_real_clock()


def queue_of(admission, *waiters):
    for waiter in waiters:
        assert admission.enter(waiter) == "waiting"


# -- the semaphore


def test_permits():
    admission = Admission(2, 1)
    assert [admission.try_enter() for _ in range(3)] == [True, True, False]
    assert admission.running == 2
    admission.leave()
    assert admission.enter(Waiter()) == "granted"
    admission.leave()
    admission.leave()
    assert admission.running == 0


def test_first_come_first_served():
    admission = Admission(1, 3)
    admission.try_enter()
    waiters = [Waiter() for _ in range(3)]
    queue_of(admission, *waiters)
    assert admission.queued == 3
    for served in range(1, 4):
        admission.leave()
        assert [w.decision for w in waiters] == ["granted"] * served + ["waiting"] * (3 - served)
    assert [w.told for w in waiters] == [1, 1, 1]
    assert (admission.running, admission.queued) == (1, 0)


def test_high_priority_goes_first():
    admission = Admission(1, 4)
    admission.try_enter()
    normal, high = [Waiter() for _ in range(2)], [Waiter(high_priority=True) for _ in range(2)]
    queue_of(admission, normal[0], high[0], normal[1], high[1])
    for waiter in (*high, *normal):
        admission.leave()
        assert waiter.decision == "granted"


def test_nobody_overtakes_the_queue():
    admission = Admission(1, 4)
    admission.try_enter()
    waiting = Waiter()
    queue_of(admission, waiting)
    assert not admission.try_enter()
    admission.leave()
    assert waiting.decision == "granted"
    assert not admission.try_enter()


@pytest.mark.parametrize("places", [0, 1, 5])
def test_full_queue(places):
    admission = Admission(1, places)
    admission.try_enter()
    waiters = [Waiter() for _ in range(places)]
    queue_of(admission, *waiters)
    assert admission.enter(Waiter()) == "full"
    assert admission.queued == places
    for _ in range(places + 1):
        admission.leave()
    assert (admission.running, admission.queued) == (0, 0)


def test_withdrawal():
    admission = Admission(1, 3)
    admission.try_enter()
    waiters = [Waiter() for _ in range(3)]
    queue_of(admission, *waiters)
    assert admission.withdraw(waiters[1])
    assert not admission.withdraw(waiters[1])
    admission.leave()
    assert [(w.decision, w.told) for w in waiters] == [("granted", 1), ("withdrawn", 0), ("waiting", 0)]
    assert not admission.withdraw(waiters[0])
    admission.leave()
    assert waiters[2].decision == "granted"


def test_who_is_late_at_its_turn_takes_no_permit(clock):
    clock(0)
    admission = Admission(1, 4)
    admission.try_enter()
    expired, late, good = Waiter(100), Waiter(1000, 0), Waiter(1000)
    queue_of(admission, expired, late, good)
    clock(500)
    admission.leave()
    assert [w.decision for w in (expired, late)] == ["expired", "granted"]
    admission.leave()
    assert good.decision == "granted"
    assert (admission.running, admission.queued) == (1, 0)


@pytest.mark.parametrize(("refuse_late", "becomes"), [(True, "late"), (False, "granted")])
def test_who_cannot_finish_is_refused_at_its_turn(clock, refuse_late, becomes):
    clock(0)
    admission = Admission(1, 4, refuse_late)
    admission.try_enter()
    waiter = Waiter(1000, 400)
    queue_of(admission, waiter)
    clock(700)
    admission.leave()
    assert waiter.decision == becomes
    assert admission.running == (becomes == "granted")


def test_who_cannot_finish_is_refused_on_arrival(clock):
    clock(0)
    admission = Admission(1, 9)
    assert admission.enter(Waiter(10, 400)) == "granted", "a free permit is not refused"
    assert admission.enter(Waiter(10, 400)) == "late"
    assert admission.enter(Waiter(10, 0)) == "waiting", "what calls take is not known"
    assert admission.enter(Waiter(599, 400)) == "late", "those under way need 200 more"
    assert admission.enter(Waiter(601, 400)) == "waiting"
    assert admission.enter(Waiter(601, 400)) == "late", "one more is ahead"
    assert admission.enter(Waiter(601, 400, True)) == "waiting", "nobody of high priority is ahead"
    assert Admission(1, 9, False).enter(Waiter(10, 400)) == "granted"


def test_closing():
    admission = Admission(1, 2)
    admission.try_enter()
    first, second = Waiter(), Waiter()
    queue_of(admission, first, second)
    admission.close()
    assert not admission.try_enter()
    assert admission.enter(Waiter()) == "closed"
    admission.leave()
    assert first.decision == "granted", "who waits goes on"
    assert not admission.wait_idle(0)
    admission.send_away()
    assert (second.decision, second.told) == ("closed", 1)
    assert admission.wait_idle(0, 1)
    admission.leave()
    assert admission.wait_idle(0)
    admission.open()
    assert admission.try_enter()


def test_waiting_for_the_last_call():
    admission = Admission(1, 2)
    admission.try_enter()
    admission.close()
    seen = []
    thread = threading.Thread(target=lambda: seen.append(admission.wait_idle((1 << 63) - 1)))
    thread.start()
    admission.leave()
    thread.join()
    assert seen == [True]


def test_a_child_forgets_who_waited():
    admission = Admission(2, 3)
    admission.try_enter()
    admission.try_enter()
    waiters = [Waiter(), Waiter()]
    queue_of(admission, *waiters)
    admission.reset_after_fork()
    assert (admission.running, admission.queued) == (0, 0)
    assert not admission.withdraw(waiters[0])
    assert (admission.running, admission.queued) == (0, 0)


# -- what it is built of


def test_timer():
    timer = _testing.Timer()
    assert timer.arm(_testing.now_ns())
    timer.wait()
    timer.disarm()
    assert timer.rang == 1
    assert timer.arm((1 << 62))
    timer.disarm()
    timer.disarm()
    assert timer.rang == 1


def test_many_timers():
    timers = [_testing.Timer() for _ in range(300)]
    start = _testing.now_ns()
    for i, timer in enumerate(timers):
        assert timer.arm(start + (i * 7919) % 300 * 10_000 if i % 3 else 1 << 62)
    for i, timer in enumerate(timers):
        if i % 3:
            timer.wait()
        else:
            timer.disarm()
    assert [t.rang for t in timers] == [1 if i % 3 else 0 for i in range(300)]


def test_cancel_token():
    token = _testing.HeardToken()
    assert token.listen()
    token.unlisten()
    token.unlisten()
    assert token.listen()
    token.cancel()
    token.cancel()
    assert token.cancelled
    assert token.told == 1
    assert not token.listen()


def test_what_calls_take():
    time = _testing.CallTime()
    assert time.expected == 0
    time.record_at_least(1000)
    assert time.mean == 1000
    for _ in range(100):
        time.record(1000)
    assert 1000 <= time.expected <= 1100
    time.record_at_least(10)
    assert time.mean == 1000
    for _ in range(100):
        time.record(3000)
    assert 2900 <= time.mean <= 3000


# -- every way out of a call


@pytest.fixture
def model():
    with counting(max_queue=4) as loaded:
        assert_idle(loaded, ok=1)
        yield loaded


def test_answered(model):
    np.testing.assert_array_equal(model.run(feeds(3))["y"], [3, 3, 3, 3])
    assert_idle(model, ok=2)


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        ({}, {}),
        ({"n": 1}, {}),
        (feeds(1) | {"z": 1}, {}),
        ({"n": np.float32(1), "x": np.zeros(4, np.float32)}, {}),
        ({"n": 1, "x": np.zeros((2, 2), np.float32)}, {}),
        ({"n": 1, "x": object()}, {}),
        (feeds(1), {"outputs": ["nothing"]}),
        (feeds(1), {"priority": "highest"}),
        (feeds(1), {"timeout": -1}),
        (feeds(1), {"cancel": 3}),
        (feeds(1), {"timeout": "soon"}),
    ],
)
def test_invalid(model, inputs, options):
    errors = engine.InvalidInput, TypeError, ValueError
    with pytest.raises(errors):
        model.run(inputs, **options)
    with pytest.raises(errors):
        model.submit(inputs, **options).result()
    assert_idle(model, ok=1, invalid=2)


def test_an_input_that_raises(model):
    class Bad:
        def __array__(self, *args, **kwargs):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.run({"n": 1, "x": Bad()})
    assert_idle(model, ok=1, invalid=1)


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


@pytest.mark.parametrize("way", ["run", "submit"])
def test_cancelled_in_the_queue(model, way):
    token = engine.CancelToken()
    with busy(model):
        if way == "run":
            call = Call(model, feeds(1), cancel=token)
            wait_for_stats(model, queued=1)
            token.cancel()
            error = call.ended().error
        else:
            future = model.submit(feeds(1), cancel=token)
            assert model.stats()["queued"] == 1
            token.cancel()
            error = future.exception()
        assert isinstance(error, engine.Cancelled)
        assert "in the queue" in str(error)
        assert model.stats()["queued"] == 0
    assert_idle(model, ok=1, cancelled=2)


@pytest.mark.parametrize("way", ["run", "submit"])
def test_cancelled_in_compute(model, way):
    token = engine.CancelToken()
    if way == "run":
        call = Call(model, feeds(ENDLESS), cancel=token)
        wait_for_stats(model, running=1)
        token.cancel()
        error = call.ended().error
    else:
        future = model.submit(feeds(ENDLESS), cancel=token)
        token.cancel()
        error = future.exception()
    assert isinstance(error, engine.Cancelled)
    assert_idle(model, ok=1, cancelled=1)


@pytest.mark.parametrize("way", ["run", "submit"])
def test_cancelled_before(model, way):
    token = engine.CancelToken()
    token.cancel()
    with pytest.raises(engine.Cancelled):
        model.run(feeds(ENDLESS), cancel=token) if way == "run" else model.submit(feeds(ENDLESS), cancel=token).result()
    assert_idle(model, ok=1, cancelled=1)


def test_future_cancelled(model):
    computing = model.submit(feeds(ENDLESS))
    wait_for_stats(model, running=1)
    queued = model.submit(feeds(1))
    assert queued.cancel()
    wait_for_stats(model, queued=0)
    assert computing.cancel()
    assert_idle(model, ok=1, cancelled=2)


def test_task_cancelled(model):
    async def main():
        computing = asyncio.create_task(model.run_async(feeds(ENDLESS)))
        queued = asyncio.create_task(model.run_async(feeds(1)))
        while model.stats()["queued"] != 1:
            await asyncio.sleep(0.001)
        for task in (queued, computing):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        while model.stats()["in_flight"]:
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert_idle(model, ok=1, cancelled=2)


def test_memory_limit():
    from harness import one_node

    shape = np.array([4, 4], np.int64)
    model = engine.load(one_node("ConstantOfShape", [shape]), memory_limit=1 << 20, warmup=False)
    for _ in range(3):
        with pytest.raises(engine.MemoryLimitExceeded):
            model(np.array([1 << 20, 1 << 20], np.int64))
    assert_idle(model, error=3)


def test_drained_and_closed(model):
    computing, waiting = Call(model, feeds(ENDLESS)), None
    wait_for_stats(model, running=1)
    waiting = Call(model, feeds(1))
    wait_for_stats(model, queued=1)
    report = model.drain(0)
    assert isinstance(computing.ended().error, engine.Cancelled)
    assert isinstance(waiting.ended().error, engine.Draining)
    assert (report.finished, report.cancelled) == (0, 2)
    with pytest.raises(engine.Draining):
        model.run(feeds(1))
    with pytest.raises(engine.Draining):
        model.submit(feeds(1))
    assert_idle(model, ok=1, cancelled=1, draining=3)
    model.close()
    with pytest.raises(engine.NotReady):
        model.run(feeds(1))
    assert_idle(model, ok=1, cancelled=1, draining=3, not_ready=1)


def test_closed_in_the_middle(model):
    computing = Call(model, feeds(ENDLESS))
    wait_for_stats(model, running=1)
    waiting = Call(model, feeds(1))
    wait_for_stats(model, queued=1)
    model.close()
    assert isinstance(computing.ended().error, engine.Cancelled)
    assert isinstance(waiting.ended().error, engine.NotReady)
    assert_idle(model, ok=1, cancelled=1, not_ready=1)


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


def test_late_calls_are_refused():
    with counting(refuse_late=True, max_queue=4) as model:
        model.run(feeds(200_000), timeout=60)
        with busy(model):
            with pytest.raises(engine.Overloaded, match="cannot finish in time"):
                model.run(feeds(1), timeout=1e-6)
        with pytest.raises(engine.DeadlineExceeded):
            model.run(feeds(ENDLESS), timeout=1e-6)
        assert_idle(model, ok=2, overloaded=1, cancelled=1, deadline_compute=1)


def test_shapes_that_do_not_fit_are_found_with_the_permit():
    from harness import one_node

    square = np.ones((3, 3), np.float32)
    model = engine.load(one_node("MatMul", [square, square]), max_concurrency=1)
    for _ in range(3):
        with pytest.raises(engine.InvalidInput):
            model(square, np.ones((4, 4), np.float32))
    assert_idle(model, invalid=3)


INTERRUPTED = """
import os, signal, sys, threading
import engine
from servicing import *
where, way = sys.argv[1:]
model = counting(max_queue=4)
expected = KeyboardInterrupt if way == "interrupt" else ZeroDivisionError
# As in a shell's foreground: a process that is started in the background ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler if way == "interrupt" else lambda *_: 1 / 0)
token = engine.CancelToken()
other = Call(model, feeds(ENDLESS), cancel=token) if where == "queue" else None
if other:
    wait_for_stats(model, running=1)

def send():
    wait_for_stats(model, **({"queued": 1} if other else {"running": 1}))
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=send, daemon=True).start()
try:
    model.run(feeds(ENDLESS), timeout=PATIENCE)
except expected:
    print("stopped")
token.cancel()
if other:
    other.ended()
assert_idle(model, ok=1, cancelled=2 if other else 1)
assert model.run(feeds(2))["y"][0] == 2
print("idle")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")
@pytest.mark.parametrize("where", ["queue", "compute"])
@pytest.mark.parametrize("way", ["interrupt", "handler"])
def test_a_signal_on_the_main_thread(where, way):
    assert python(INTERRUPTED, where, way).split() == ["stopped", "idle"]


def test_nothing_leaks_under_contention(model):
    """Calls of every kind at once; whatever becomes of each, the sums are right."""
    gate = threading.Barrier(8)

    def caller(seed):
        gate.wait()
        for i in range(30):
            kind = (seed + i) % 6
            token = engine.CancelToken()
            try:
                if kind == 0:
                    model.run(feeds(20))
                elif kind == 1:
                    model.run(feeds(ENDLESS), timeout=0.001)
                elif kind == 2:
                    future = model.submit(feeds(ENDLESS), cancel=token)
                    token.cancel()
                    future.result()
                elif kind == 3:
                    model.submit(feeds(ENDLESS)).cancel()
                elif kind == 4:
                    model.run({"n": 1})
                else:
                    model.submit(feeds(20), priority="high").result()
            except engine.EngineError:
                pass

    threads = [threading.Thread(target=caller, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: model.stats()["in_flight"] == 0)
    assert model.stats()["started"] == 1 + 8 * 30
    assert_idle(model)
    assert model.run(feeds(2))["y"][0] == 2
