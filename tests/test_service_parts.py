"""What waiting and stopping is built of: timers, tokens, what calls take."""

from engine import _testing


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
