"""`engine serve` as a program: probes while it loads, SIGTERM under load, workers, clients that leave."""

import http.client
import json
import os
import pathlib
import signal
import socket
import sys
import threading
import time

import pytest
from asking import entry
from servicing import ENDLESS, counting_model

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from disconnecting import leave  # noqa: E402
from serving import serving  # noqa: E402

DIGITS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "digits" / "digits.onnx"
IMAGE = [entry("image", "FP32", [1, 8, 8], [0.0] * 64)]
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork there")


@pytest.fixture
def counting_file(tmp_path):
    path = tmp_path / "counting.onnx"
    path.write_bytes(counting_model())
    return path


def counting_inputs(n):
    return [entry("n", "INT64", [], n), entry("x", "FP32", [1], [0.0])]


class Callers:
    """Threads that ask again and again, each on a connection that it keeps as long as the server does."""

    def __init__(self, server, count):
        self.server, self.stopping = server, threading.Event()
        self.answers, self.problems, self.refused = [], [], 0
        self.threads = [threading.Thread(target=self.call) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def call(self):
        connection = None
        while not self.stopping.is_set():
            if connection is None:
                connection = self.server.connect()
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    self.refused += 1
                    return
            try:
                status, headers, _ = self.server.infer("digits", IMAGE, connection=connection)
            except (OSError, http.client.HTTPException) as error:
                self.problems.append(error)
                return
            self.answers.append(status)
            if headers.get("connection") == "close":
                connection.close()
                connection = None

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=FORKS)])
def test_sigterm_under_load_loses_no_request(workers):
    with serving(DIGITS, "--workers", workers, "--drain-delay", 1) as server:
        server.wait_for("/v2/health/ready", 200)
        callers = Callers(server, 6)
        time.sleep(0.5)
        began = time.monotonic()
        server.signal()
        server.wait_for("/v2/health/ready", 503)
        assert server.status("/v2/health/live") == 200
        before = len(callers.answers)
        code, log = server.ended()
        took = time.monotonic() - began
        callers.stop()
        assert code == 0
        assert 1.0 <= took < 6
        assert len(callers.answers) > before
        assert not callers.problems
        assert set(callers.answers) == {200}
        assert callers.refused == 6
        events = [line["event"] for line in log if "event" in line]
        assert events.count("server_leaving") == events.count("server_stopped") == workers


def test_what_is_in_flight_ends_and_what_is_endless_is_cancelled(counting_file):
    with serving(counting_file, "--max-concurrency", 4, "--drain-delay", 0.1, "--drain-timeout", 1.5) as server:
        server.wait_for("/v2/health/ready", 200)
        answers = {}

        def call(name, n, **headers):
            answers[name] = server.infer("counting", counting_inputs(n), **headers)[:2]

        callers = [
            threading.Thread(target=call, args=("ends", ENDLESS), kwargs={"x_timeout": "0.8"}),
            threading.Thread(target=call, args=("endless", ENDLESS)),
        ]
        for caller in callers:
            caller.start()
        while server.total("engine_requests_running") < 2:
            time.sleep(0.01)
        server.signal()
        code, log = server.ended()
        for caller in callers:
            caller.join()
        assert code == 0
        assert answers["ends"][0] == 504
        assert answers["endless"][0] == 503
        assert answers["endless"][1]["connection"] == "close"
        (timeout,) = [line for line in log if line.get("event") == "drain_timeout"]
        assert timeout["calls"] == 1


def test_the_last_to_connect_are_accepted():
    from engine.serve.listener import bind, last_connections

    listener = bind("127.0.0.1", 0)
    address = listener.getsockname()
    clients = [socket.create_connection(address, timeout=10) for _ in range(5)]
    taken = last_connections(listener)
    assert len(taken) == 5
    for sock in taken:
        sock.send(b"x")
        sock.close()
    assert [client.recv(1) for client in clients] == [b"x"] * 5
    for client in clients:
        client.close()
    with pytest.raises(OSError, match=r"refused|timed out"):
        socket.create_connection(address, timeout=5)


def test_a_second_signal_hurries(counting_file):
    with serving(counting_file, "--drain-delay", 30, "--drain-timeout", 30) as server:
        server.wait_for("/v2/health/ready", 200)
        answers = []
        caller = threading.Thread(target=lambda: answers.append(server.infer("counting", counting_inputs(ENDLESS))[0]))
        caller.start()
        while server.total("engine_requests_running") < 1:
            time.sleep(0.01)
        server.signal()
        server.wait_for("/v2/health/ready", 503)
        server.signal()
        assert server.ended()[0] == 0
        caller.join()
        assert answers == [503]


def test_ctrl_c_does_not_wait_for_balancers():
    with serving(DIGITS, "--drain-delay", 30) as server:
        server.wait_for("/v2/health/ready", 200)
        server.signal(signal.SIGINT)
        assert server.ended()[0] == 0


def test_a_client_that_leaves(counting_file):
    with serving(counting_file, "--max-concurrency", 1, "--max-queue", 0) as server:
        server.wait_for("/v2/health/ready", 200)
        connection = server.connect()
        connection.request("POST", "/v2/models/counting/infer", json.dumps({"inputs": counting_inputs(ENDLESS)}))
        while server.total("engine_requests_running") < 1:
            time.sleep(0.01)
        assert server.infer("counting", counting_inputs(1))[0] == 503
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        end = time.monotonic() + 5
        while server.infer("counting", counting_inputs(1))[0] != 200:
            assert time.monotonic() < end
        assert server.total("engine_requests_total", outcome="cancelled") == 1


@pytest.mark.parametrize("k", [1, 1 << 18])
def test_a_client_that_leaves_makes_room_at_once(counting_file, k):
    """Of most calls the permit is back within 2 ms of the next checkpoint; the answer comes within 4 ms on a CPU that is free.

    The median of the answers is bench_service.py's: beside other tests it is the wait for a CPU.
    """
    with serving(counting_file, "--max-concurrency", 1, "--max-queue", 1) as server:
        server.wait_for("/v2/health/ready", 200)
        assert server.infer("counting", counting_inputs(1))[0] == 200
        assert min(answered - gone for gone, answered in leave(server, 11, k)) < 0.004
        end = time.monotonic() + 5
        while server.total("engine_requests_total", outcome="cancelled") != 11:
            assert time.monotonic() < end
        assert server.total("engine_cancel_lag_seconds_count") == server.total("engine_stop_seconds_count") == 11
        assert server.total("engine_stop_seconds_bucket", le=str((1 << 21) * 1e-9)) > 5


@FORKS
def test_loads_are_counted_by_each_worker(tmp_path):
    path = tmp_path / "digits.onnx"
    path.write_bytes(DIGITS.read_bytes())
    with serving(path, "--workers", 4, "--drain-delay", 0) as server:
        server.wait_for("/v2/health/ready", 200)

        def loads(count, **labels):
            end = time.monotonic() + 10
            while (found := server.total("engine_model_loads_total", **labels)) != count:
                assert time.monotonic() < end, found
                time.sleep(0.05)

        loads(4, result="ok", version="1")
        assert server.ask("POST", "/v2/repository/models/digits/load")[0] == 200
        loads(5, result="ok")
        assert server.total("engine_model_loads_total", result="ok", version="2") == 1
        assert server.ask("POST", "/v2/repository/models/digits/unload")[0] == 200
        assert server.total("engine_model_loads_total", result="ok") == 5
        path.write_bytes(b"broken")
        codes = {server.ask("POST", "/v2/repository/models/digits/load")[0] for _ in range(20)}
        assert codes == {400}
        assert server.total("engine_model_loads_total", result="ok") == 5
        assert server.total("engine_model_loads_total", result="failed") >= 1
        assert server.total("engine_model_rollbacks_total") == 0


def test_a_model_that_cannot_be_loaded(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"nonsense")
    for workers in (1, 2) if hasattr(os, "fork") else (1,):
        with serving(path, "--workers", workers) as server:
            said = server.process.communicate(timeout=60)[1]
            assert server.process.returncode == 1
            assert "broken" in said


@FORKS
def test_figures_add_up_over_workers_that_die():
    with serving(DIGITS, "--workers", 4, "--drain-delay", 0.1) as server:
        server.wait_for("/v2/health/ready", 200)
        callers = [threading.Thread(target=lambda: [server.infer("digits", IMAGE) for _ in range(50)]) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        server.infer("digits", [])
        assert server.total("engine_requests_total", outcome="ok") == 200
        assert server.total("engine_requests_total", outcome="invalid") == 1
        assert server.total("engine_request_duration_seconds_count") == 200
        assert server.total("engine_http_responses_total", code="400") == 1
        children = pathlib.Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        if sys.platform != "linux" or not children.exists():
            return
        first = int(children.read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        end = time.monotonic() + 30
        while len(children.read_text().split()) < 4 or str(first) in children.read_text().split():
            assert time.monotonic() < end
            time.sleep(0.05)
        for _ in range(10):
            assert server.infer("digits", IMAGE)[0] == 200
        assert server.total("engine_requests_total", outcome="ok") == 210
        server.signal()
        assert server.ended()[0] == 0
