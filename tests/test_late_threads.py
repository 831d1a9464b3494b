"""Threads that get no CPU, and moving them to one."""

import os
import sys
import threading
import time

import engine
import numpy as np
import pytest
from engine import _testing
from servicing import counting_model, wait_until
from subprocesses import python

CPUS = _testing.available_cpus()
needs_two_to_move = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="a thread can only be moved between two CPUs of Linux"
)


class Sleeper:
    """A thread that gets no CPU, since it wants none."""

    def __init__(self):
        self.end, started = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=lambda: (started.set(), self.end.wait()))
        self.thread.start()
        started.wait()
        time.sleep(0.05)
        self.number = self.thread.native_id

    def affinity(self):
        return os.sched_getaffinity(self.number)

    def stop(self):
        self.end.set()
        self.thread.join()


@pytest.fixture
def sleeper():
    sleeper = Sleeper()
    yield sleeper
    sleeper.stop()


@needs_two_to_move
def test_a_thread_that_gets_no_cpu_is_moved_once_and_may_run_everywhere(sleeper):
    before = sleeper.affinity()
    late = _testing.LateThread()
    assert [late.look(sleeper.number) for _ in range(4)] == [False, True, False, False]
    assert sleeper.affinity() == before


@needs_two_to_move
def test_a_look_at_another_thread_is_a_first_look(sleeper):
    other, before = Sleeper(), sleeper.affinity()
    late = _testing.LateThread()
    for _ in range(2):
        assert not late.look(sleeper.number)
        assert not late.look(other.number)
    assert sleeper.affinity() == other.affinity() == before
    other.stop()


@needs_two_to_move
def test_a_thread_that_may_not_run_here_is_left_where_it_is(sleeper):
    here, there = sorted(os.sched_getaffinity(0))[:2]
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(sleeper.number, {there})
    try:
        os.sched_setaffinity(0, {here})
        late = _testing.LateThread()
        assert not any(late.look(sleeper.number) for _ in range(3))
        assert sleeper.affinity() == {there}
    finally:
        os.sched_setaffinity(0, before)


@needs_two_to_move
def test_a_thread_that_computes_is_left_where_it_is():
    thread = threading.Thread(target=lambda: _testing.run_parallel(100, 10e6, 1, item_ns=10_000_000))
    thread.start()
    before, late = os.sched_getaffinity(thread.native_id), _testing.LateThread()
    for _ in range(3):
        assert not late.look(thread.native_id)
        time.sleep(0.1)
    assert os.sched_getaffinity(thread.native_id) == before
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have numbers on Linux")
def test_threads_that_are_gone_are_no_matter():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    number = thread.native_id
    thread.join()
    late = _testing.LateThread()
    for _ in range(3):
        late.look(number)


@needs_two_to_move
def test_a_thread_that_leaves_its_cpu_is_on_another_and_may_run_everywhere():
    here = sorted(os.sched_getaffinity(0))[0]
    seen = []

    def leave():
        allowed = os.sched_getaffinity(0)
        for _ in range(20):
            os.sched_setaffinity(0, {here})
            before = _testing.current_cpu()
            os.sched_setaffinity(0, allowed)
            seen.append((before, _testing.leave_cpu(), _testing.current_cpu() != here, os.sched_getaffinity(0) == allowed))

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert all(left and same for _, left, _, same in seen)
    # The system may bring it back between the two calls, and seldom does.
    assert sum(before == here and moved for before, _, moved, _ in seen) > 10


@needs_two_to_move
def test_a_thread_that_may_run_on_one_cpu_alone_stays():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert not _testing.leave_cpu()
        assert os.sched_getaffinity(0) == {min(before)}
    finally:
        os.sched_setaffinity(0, before)


@needs_two_to_move
def test_helpers_of_a_caller_that_may_run_on_one_cpu_alone_help_there():
    code = (
        "import os\n"
        "from engine import _testing as t\n"
        "only = {min(os.sched_getaffinity(0))}\n"
        "os.sched_setaffinity(0, only)\n"
        "t.set_pool_cpus(2)\n"
        "right, came = t.pool_count(callers=1, jobs=200, helpers=1, items=64, item_ns=20_000)\n"
        "assert right == 200 and came > 0, (right, came)\n"
        "names = {int(i): open(f'/proc/self/task/{i}/comm').read() for i in os.listdir('/proc/self/task')}\n"
        "masks = [os.sched_getaffinity(i) for i, name in names.items() if name.startswith('engine-')]\n"
        "assert masks and all(mask == only for mask in masks), masks\n"
    )
    python(code)


MASKS = (
    "import os, threading, time\n"
    "from engine import _testing as t\n"
    "everywhere = os.sched_getaffinity(0)\n"
    "def name(number):\n"
    "    with open(f'/proc/self/task/{number}/comm') as file: return file.read().strip()\n"
    "def masks():\n"
    "    return {f'{name(i)} {i}': os.sched_getaffinity(int(i)) for i in os.listdir('/proc/self/task')}\n"
)


@needs_two_to_move
def test_a_helper_that_is_started_while_its_starter_is_moved_may_run_everywhere():
    code = MASKS + (
        "mover = threading.Thread(target=t.let_nobody_move_for, args=(2_000_000_000,))\n"
        "narrow = threading.Event()\n"
        "def main():\n"
        "    os.sched_setaffinity(0, {min(everywhere)})\n"
        "    narrow.set()\n"
        "    t.run_parallel(200, 20_000, 2, item_ns=20_000)\n"
        "caller = threading.Thread(target=main)\n"
        "mover.start()\n"
        "time.sleep(0.05)\n"
        "caller.start()\n"
        "narrow.wait()\n"
        "time.sleep(0.1)\n"
        "os.sched_setaffinity(caller.native_id, everywhere)\n"
        "mover.join(), caller.join()\n"
        "seen = masks()\n"
        "assert any(name.startswith('engine-') for name in seen), seen\n"
        "assert all(mask == everywhere for mask in seen.values()), seen\n"
    )
    python(code)


@needs_two_to_move
def test_helpers_that_are_started_on_a_crowded_machine_may_run_everywhere():
    code = MASKS + (
        "t.set_pool_cpus(32)\n"
        "def call(threads):\n"
        "    for i in range(30): t.run_parallel(200, 20_000, threads, deadline_ns=t.now_ns() + 100_000 * i, item_ns=20_000)\n"
        "callers = [threading.Thread(target=call, args=(n,)) for n in (2, 3, 5, 9, 17, 33)]\n"
        "callers += [threading.Thread(target=t.run_parallel, args=(100, 10e6, 1), kwargs={'item_ns': 1_000_000}) for _ in range(3)]\n"
        "for caller in callers: caller.start()\n"
        "for caller in callers: caller.join()\n"
        "end = time.monotonic() + 60\n"
        "while any(mask != everywhere for mask in masks().values()):\n"
        "    assert time.monotonic() < end, masks()\n"
    )
    python(code)


@needs_two_to_move
@pytest.mark.parametrize("waits", [False, True])
def test_a_helper_leaves_callers_alone_that_compute_or_wait(waits):
    thread = threading.Thread(target=lambda: _testing.compute_for(300_000_000, waits=waits))
    thread.start()
    before = os.sched_getaffinity(thread.native_id)
    time.sleep(0.05)
    assert not _testing.watch_callers(100_000_000)
    assert os.sched_getaffinity(thread.native_id) == before
    thread.join()


@needs_two_to_move
@pytest.mark.parametrize("why", [{"still": True}, {"waits": True, "over": True}], ids=["still", "wait over"])
def test_a_caller_that_stands_still_is_moved_to_an_idle_helpers_cpu_and_may_run_everywhere(why):
    inside = []
    caller = threading.Thread(
        target=lambda: (_testing.compute_for(300_000_000, **why), inside.append(os.sched_getaffinity(0)))
    )
    caller.start()
    before = os.sched_getaffinity(caller.native_id)
    time.sleep(0.05)
    assert _testing.watch_callers(50_000_000)
    assert os.sched_getaffinity(caller.native_id) == before
    caller.join()
    assert inside == [before]


@needs_two_to_move
def test_a_thread_that_is_leaving_a_cpu_is_brought_back_there_and_nowhere_else(sleeper):
    everywhere = os.sched_getaffinity(0)
    here, *elsewhere = sorted(everywhere)
    try:
        os.sched_setaffinity(0, {here})
        os.sched_setaffinity(sleeper.number, elsewhere)
        assert not _testing.move_leaving_thread_here(sleeper.number, elsewhere[0])
        assert sleeper.affinity() == set(elsewhere)
        assert _testing.move_leaving_thread_here(sleeper.number, here)
        assert sleeper.affinity() == everywhere
    finally:
        os.sched_setaffinity(0, everywhere)


@needs_two_to_move
def test_calls_on_a_crowded_machine_end_in_time_or_not_and_run_where_they_could_before():
    """More threads than CPUs: callers and helpers are preempted in the middle of their tiles all the time."""
    hogs = [threading.Thread(target=_testing.run_parallel, args=(400, 10e6, 1), kwargs={"item_ns": 1_000_000}) for _ in range(CPUS + 1)]
    for hog in hogs:
        hog.start()
    before, codes = os.sched_getaffinity(0), set()
    for i in range(100):
        done = _testing.run_parallel(200, 20_000, 2, deadline_ns=_testing.now_ns() + 100_000 * (i % 60), item_ns=20_000)
        codes.add(done.code)
        assert done.code == "DeadlineExceeded" or done.counts.tolist() == [1] * 200
        assert max(done.counts.tolist(), default=0) <= 1
    for hog in hogs:
        hog.join()
    assert "DeadlineExceeded" in codes
    threads = [int(t) for t in os.listdir("/proc/self/task")]
    wait_until(lambda: all(os.sched_getaffinity(t) == before for t in threads))
    assert [os.sched_getaffinity(t) for t in threads] == [before] * len(threads)


@needs_two_to_move
def test_a_thread_that_is_about_to_be_woken_may_run_here_alone_until_it_runs():
    wake, narrowed, end = _testing.WakeHere(), threading.Event(), threading.Event()

    def main():
        narrowed.wait()
        wake.widen()
        end.wait()

    thread = threading.Thread(target=main)
    thread.start()
    time.sleep(0.05)
    everywhere, mine = os.sched_getaffinity(thread.native_id), os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(mine)})
        wake.narrow(thread.native_id)
        assert os.sched_getaffinity(thread.native_id) == {min(mine)}
    finally:
        os.sched_setaffinity(0, mine)
        narrowed.set()
    wait_until(lambda: os.sched_getaffinity(thread.native_id) == everywhere)
    end.set()
    thread.join()


@needs_two_to_move
def test_a_thread_that_may_not_run_here_is_left_alone(sleeper):
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {max(mine)})
        os.sched_setaffinity(sleeper.number, {min(mine)})
        _testing.WakeHere().narrow(sleeper.number)
        assert sleeper.affinity() == {min(mine)}
    finally:
        os.sched_setaffinity(0, mine)


@needs_two_to_move
def test_callers_note_their_cpu():
    cpus = sorted(os.sched_getaffinity(0))[:2]

    def main():
        os.sched_setaffinity(0, {cpus[0]})
        _testing.compute_for(ns=300_000_000)

    thread = threading.Thread(target=main)
    thread.start()
    wait_until(lambda: _testing.other_caller_on(cpus[0], -1))
    assert not _testing.other_caller_on(cpus[1], -1)
    assert not _testing.other_caller_on(cpus[0], 0)
    thread.join()
    assert not _testing.other_caller_on(cpus[0], -1)


@needs_two_to_move
def test_threads_that_queue_may_run_everywhere_afterwards():
    """A permit that passes from thread to thread, in calls long enough for a thread to be woken where another leaves."""
    model = engine.load(counting_model(), max_concurrency=CPUS, max_queue=64)
    everywhere, after = os.sched_getaffinity(0), []

    def main():
        for _ in range(30):
            model.run({"x": np.zeros(1, np.float32), "n": np.array(5000)})
        after.append(os.sched_getaffinity(0))

    threads = [threading.Thread(target=main) for _ in range(4 * CPUS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert after == [everywhere] * len(threads)
    stats = model.stats()
    assert stats["outcomes"]["ok"] == 30 * len(threads)
    assert stats["in_flight"] == stats["queued"] == 0
