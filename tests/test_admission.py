"""Who computes, who waits, who is sent away: the semaphore by itself, on a clock that the tests set."""

import threading

import pytest
from engine import _testing
from engine._testing import Admission, Waiter


@pytest.fixture
def clock():
    """Sets the time of engine._testing's core."""
    yield _testing.set_fake_clock
    _testing.use_real_clock()


def queue_of(admission, *waiters):
    for waiter in waiters:
        assert admission.enter(waiter) == "waiting"


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
