"""The thread pool."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from engine import _testing

CPUS = _testing.available_cpus()
needs_two_cpus = pytest.mark.skipif(CPUS < 2, reason="one CPU: calls side by side get no helpers")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def forks(test):
    """Marks a test that forks on purpose while the pool has threads."""
    quiet = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    return quiet(pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")(test))


def helpers_come():
    return _testing.pool_count(callers=1, jobs=5, helpers=2, items=40, item_ns=20_000)[1] > 0


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture(params=[0, 16], ids=["these_cpus", "as_if_16_cpus"])
def cpus(request):
    """The pool shares its helpers out as if there were so many CPUs; 0: as there are."""
    _testing.set_pool_cpus(request.param)
    yield request.param or CPUS
    _testing.set_pool_cpus(0)


@pytest.mark.parametrize("helpers", [0, 1, 3, 16, 10_000])
@pytest.mark.parametrize("items", [0, 1, 2, 97])
def test_every_item_once_alone(helpers, items):
    jobs = 50
    right, came = _testing.pool_count(callers=1, jobs=jobs, helpers=helpers, items=items)
    assert right == jobs
    assert 0 <= came <= jobs * min(helpers, _testing.pool_max_helpers)


@pytest.mark.parametrize("callers", [2, 5, 80])
@pytest.mark.parametrize("whole_call", [False, True])
def test_every_item_once_from_many_callers(cpus, callers, whole_call):
    jobs = 2000 // callers
    right, _ = _testing.pool_count(callers=callers, jobs=jobs, helpers=3, items=31, item_ns=500, whole_call=whole_call)
    assert right == callers * jobs


def test_a_lone_caller_gets_the_helpers_that_it_asks_for():
    most = []

    def all_came():
        most.append(_testing.pool_count(callers=1, jobs=1, helpers=CPUS + 2, items=400, item_ns=50_000)[1])
        return most[-1] == CPUS + 2

    assert wait_until(all_came, 20), most
    assert CPUS + 2 <= _testing.pool_threads() <= _testing.pool_max_helpers


def test_threads_are_bounded():
    right, _ = _testing.pool_count(callers=1, jobs=5, helpers=10_000, items=20_000, item_ns=2_000)
    assert right == 5
    assert _testing.pool_threads() <= _testing.pool_max_helpers


@needs_two_cpus
def test_calls_on_all_cpus_compute_alone():
    jobs = 40
    assert wait_until(helpers_come)
    right, came = _testing.pool_count(callers=CPUS, jobs=jobs, helpers=1, items=20, item_ns=20_000, whole_call=True)
    assert right == CPUS * jobs
    assert came == 0


def test_calls_side_by_side_share_the_cpus_that_are_left():
    _testing.set_pool_cpus(16)
    try:
        right, came = _testing.pool_count(callers=4, jobs=40, helpers=15, items=60, item_ns=50_000, whole_call=True)
    finally:
        _testing.set_pool_cpus(0)
    assert right == 160
    assert 0 < came <= 160 * 15


@pytest.mark.parametrize(
    ("callers", "busy", "awake", "places", "cpus", "expected"),
    [
        (1, 0, 0, 3, 4, (True, False, 3)),
        (1, 0, 2, 3, 4, (True, False, 1)),
        (1, 3, 0, 7, 4, (True, False, 7)),  # a lone caller may go beyond the CPUs
        (1, 0, 4, 2, 4, (True, True, 0)),
        (2, 0, 0, 3, 4, (True, False, 2)),
        (2, 1, 1, 3, 4, (True, False, 0)),
        (2, 2, 0, 3, 4, (False, False, 0)),
        (4, 0, 1, 3, 4, (False, True, 0)),
        (9, 0, 0, 3, 4, (False, True, 0)),
        (1, 0, 1, 1, 1, (True, True, 0)),
    ],
)
def test_policy(callers, busy, awake, places, cpus, expected):
    assert _testing.census_policy(callers, busy, awake, places, cpus) == expected


@pytest.mark.parametrize("helpers", [1, 4])
def test_jobs_from_helpers(helpers):
    on_helpers = 0

    def jobs_on_helpers():
        nonlocal on_helpers
        right, on_helper = _testing.pool_nested(helpers=helpers, outer_items=300, inner_items=20, item_ns=2_000)
        assert right == 300
        on_helpers += on_helper
        return on_helpers > 0

    assert wait_until(jobs_on_helpers)


def test_nested_jobs_from_many_callers(cpus):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(_testing.pool_nested(3, 100, 10, 500)[0])) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [100] * 6


@pytest.mark.parametrize("helpers", [1, 7])
def test_idle_pool_uses_no_cpu(helpers):
    _testing.pool_count(callers=1, jobs=20, helpers=helpers, items=64, item_ns=20_000)
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.01


@linux_only
def test_helpers_sleep_soon_while_a_call_computes_alone():
    def helpers_ns():
        total = 0
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/comm") as file:
                if not file.read().startswith("engine-"):
                    continue
            with open(f"/proc/self/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        return total

    _testing.pool_count(callers=1, jobs=20, helpers=1, items=64, item_ns=20_000)
    before = helpers_ns()
    _testing.pool_latency(reps=1, items=8, item_ns=10_000, helpers=1, pause_ns=300_000_000)
    assert helpers_ns() - before < 30_000_000


def helper_signal_masks():
    """Name -> blocked signals of this process's threads that are named like helpers."""
    masks = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/status") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        if fields["Name"].startswith("engine-"):
            masks[fields["Name"]] = int(fields["SigBlk"], 16)
    return masks


@linux_only
def test_helpers_are_named_and_block_signals():
    assert wait_until(helpers_come)
    assert wait_until(lambda: len(helper_signal_masks()) == _testing.pool_threads())
    for blocked in helper_signal_masks().values():
        assert blocked >> (signal.SIGINT - 1) & 1
        assert blocked >> (signal.SIGTERM - 1) & 1
        assert not blocked >> (signal.SIGSEGV - 1) & 1


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("text", "spin_ns"), [("0", 0), ("7", 7000), ("", 50_000), ("-1", 50_000), ("10x", 50_000), ("100001", 50_000)]
)
def test_spin_time_is_read_from_the_environment(text, spin_ns):
    done = run_python("from engine import _testing as t; print(t.spin_limit_ns())", ENGINE_SPIN_US=text)
    assert done.stdout.strip() == str(spin_ns), done.stderr


@pytest.mark.parametrize("spin_us", ["0", "50", "100000"])
def test_works_at_every_spin_time_and_exits(spin_us):
    code = (
        "from engine import _testing as t\n"
        "assert t.pool_count(1, 200, 3, 9, 1000)[0] == 200\n"
        "assert t.pool_count(4, 100, 3, 9, 1000)[0] == 400\n"
        "assert t.pool_nested(3, 50, 5, 1000)[0] == 50\n"
    )
    done = run_python(code, ENGINE_SPIN_US=spin_us)
    assert done.returncode == 0, done.stderr


def test_exit_while_another_thread_computes():
    code = (
        "import threading, time\n"
        "from engine import _testing as t\n"
        "threading.Thread(target=t.pool_count, args=(2, 10**6, 3, 9, 1000), daemon=True).start()\n"
        "time.sleep(0.1)\n"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


@linux_only
def test_computes_alone_when_the_system_gives_no_threads():
    code = (
        "import resource\n"
        "from engine import _testing as t\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20))\n"
        "assert t.pool_count(1, 20, 3, 9, 1000) == (20, 0)\n"
        "assert t.pool_threads() == 0\n"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


# --- fork ---


def in_child(check):
    """Runs check() in a forked child; its exit code is 0 when check returned true."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(60)
            code = 0 if check() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def pool_count_right():
    return _testing.pool_count(callers=1, jobs=50, helpers=3, items=20, item_ns=1_000)[0] == 50


def pool_works_from_scratch():
    empty = _testing.pool_threads() == 0
    return empty and pool_count_right() and wait_until(helpers_come) and _testing.pool_threads() > 0


@forks
def test_fork_with_an_idle_pool():
    _testing.pool_count(callers=1, jobs=20, helpers=3, items=40, item_ns=20_000)
    assert in_child(pool_works_from_scratch) == 0
    assert pool_count_right()


@forks
def test_fork_while_other_threads_compute(cpus):
    stop = threading.Event()

    def compute():
        while not stop.is_set():
            _testing.pool_count(callers=2, jobs=20, helpers=3, items=20, item_ns=500)

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        codes = [in_child(pool_works_from_scratch) for _ in range(20)]
    finally:
        stop.set()
        thread.join()
    assert codes == [0] * 20
    assert pool_count_right()


@forks
def test_fork_of_a_fork():
    pool_count_right()
    assert in_child(lambda: pool_works_from_scratch() and in_child(pool_works_from_scratch) == 0) == 0


@pytest.mark.parametrize(
    ("callers", "busy", "cpus", "stays"),
    [(1, 1, 1, True), (1, 5, 2, True), (2, 0, 2, True), (2, 1, 2, False), (2, 1, 4, True), (3, 2, 4, False), (0, 3, 2, True)],
)
def test_a_helper_stays_while_its_cpu_is_not_wanted(callers, busy, cpus, stays):
    assert _testing.census_may_stay(callers, busy, cpus) is stays


@pytest.fixture
def two_cpus():
    _testing.set_pool_cpus(2)
    yield
    _testing.set_pool_cpus(0)


def test_a_call_that_is_about_to_begin_keeps_helpers_away(two_cpus):
    assert wait_until(helpers_come)
    _testing.expect_caller()
    try:
        assert not helpers_come()
    finally:
        _testing.caller_came()
    assert wait_until(helpers_come)


@needs_two_cpus
def test_a_long_job_gets_a_helper_once_another_call_has_ended(two_cpus):
    item = 100_000

    def compute(milliseconds, threads):
        return _testing.run_parallel(milliseconds * 10, item, threads, item_ns=item).most_worker

    def late_helper_came():
        short = threading.Thread(target=compute, args=(30, 1))
        short.start()
        time.sleep(0.005)
        came = compute(400, 2)
        short.join()
        return came == 1

    assert wait_until(late_helper_came)
