"""The programs in examples/ that serve, driven for real on loopback."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
SAMPLE = np.load(EXAMPLES / "digits" / "sample.npy")


def run(*arguments, timeout=60, **environment):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=timeout, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_counter_has_its_line():
    page = (ROOT / "docs" / "metrics.md").read_text()
    stats = engine.load(EXAMPLES / "digits" / "digits.onnx").stats()
    for name in [*stats, *stats["outcomes"], *stats["events"], *stats["seconds"]]:
        assert f"`{name}`" in page, name


def test_threads():
    said = run("examples/threads.py")
    assert "answered" in said
    assert "counters:" in said


def test_reload():
    said = run("examples/reload.py")
    for line in ["reload: version 2", "a wrong digest: DigestMismatch", "half a file: InvalidModel", "a hole in its weights: CheckFailed", "rollback: version 1"]:
        assert line in said


# -- servers


class Server:
    """A program that serves on a port of loopback."""

    def __init__(self, *command, **environment):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [part.replace("PORT", str(self.port)) for part in command]
        environment = {name: value.replace("PORT", str(self.port)) for name, value in environment.items()}
        self.process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env={**os.environ, **environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def ask(self, path, data=None, **headers):
        """Status, headers, answer."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.headers, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.load(error)

    def status(self, path):
        try:
            return self.ask(path)[0]
        except OSError:
            return 0

    def wait_for(self, path, status, seconds=20):
        end = time.monotonic() + seconds
        while (found := self.status(path)) != status:
            assert time.monotonic() < end, f"{path} is {found}"
            assert self.process.poll() is None, self.process.stdout.read()
            time.sleep(0.02)

    def stop(self):
        """What it said, once it has ended by SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)[0]


@contextlib.contextmanager
def serving(*command, **environment):
    server = Server(*command, **environment)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()


def slow_model(path, rounds):
    """image -> scores like digits.onnx, by a loop of so many rounds."""
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("before", "after")]
    going = [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("go", "goes")]
    turn = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
    nodes = [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Add", ["before", "before"], ["after"])]
    body = helper.make_graph(nodes, "body", [turn, going[0], floats[0]], [going[1], floats[1]])
    nodes = [
        helper.make_node("Loop", ["rounds", "", "image"], ["looped"], body=body),
        helper.make_node("ReduceMax", ["looped"], ["scores"], axes=[2], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor("rounds", TensorProto.INT64, [], [rounds])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A model whose calls take about half a second."""
    path = slow_model(tmp_path_factory.mktemp("slow") / "slow.onnx", 100_000)
    image = np.zeros((1, 8, 8), np.float32)
    start = time.monotonic()
    engine.load(path, warmup=False)(image)
    took = time.monotonic() - start
    return slow_model(path, max(1, int(100_000 * 0.5 / took)))


BODY = json.dumps({"images": [SAMPLE.tolist()]}).encode()


def fastapi(**environment):
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    return serving("-m", "uvicorn", "--app-dir", "examples", "--port", "PORT", "fastapi_app:app", **environment)


def predict(server, body=BODY, **headers):
    return server.ask("/predict", body, content_type="application/json", **headers)


def test_fastapi():
    with fastapi(ANNOUNCE_SECONDS="0.5") as server:
        server.wait_for("/ready", 200)
        assert predict(server)[2] == {"digits": [7], "version": 1}
        assert predict(server, x_timeout="0")[0] == 504
        assert predict(server, x_timeout="-1")[0] == 400
        assert predict(server, json.dumps({"images": [[[0.0]]]}).encode())[0] == 400
        assert predict(server, json.dumps({"images": [[[0.0, 1.0], [2.0]]]}).encode())[0] == 400
        outcomes = server.ask("/stats")[2]["outcomes"]
        assert (outcomes["ok"], outcomes["deadline_queue"] + outcomes["deadline_compute"], outcomes["invalid"]) == (1, 1, 2)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("/ready", 503)
        assert server.status("/live") == 200
        assert predict(server)[0] == 200
        said = server.process.communicate(timeout=20)[0]
        assert "drained: DrainReport(finished=0, cancelled=0, refused=0" in said


def test_fastapi_under_overload(slow):
    with fastapi(MODEL=str(slow), MAX_QUEUE="0", ANNOUNCE_SECONDS="0.1") as server:
        server.wait_for("/ready", 200)
        answers = []
        callers = [
            threading.Thread(target=lambda: answers.append(predict(server, x_timeout="2"))) for _ in range(engine.cpus() + 3)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        refused = [headers for status, headers, _ in answers if status == 503]
        assert 3 <= len(refused) < len(answers)
        assert all(int(headers["Retry-After"]) >= 1 for headers in refused)
        assert {status for status, _, _ in answers} <= {200, 503, 504}


def test_fastapi_ends_what_is_in_flight(slow):
    with fastapi(MODEL=str(slow), ANNOUNCE_SECONDS="0.1") as server:
        server.wait_for("/ready", 200)
        answers = []
        caller = threading.Thread(target=lambda: answers.append(predict(server, x_timeout="2")))
        caller.start()
        time.sleep(0.2)
        assert "drained: DrainReport" in server.stop()
        caller.join()
        assert answers[0][0] == 200


def test_gunicorn():
    pytest.importorskip("gunicorn")
    image = SAMPLE.astype(np.uint8).tobytes()
    command = ("-m", "gunicorn", "--chdir", "examples", "-c", "examples/gunicorn_conf.py", "gunicorn_app:app")
    with serving(*command, BIND="127.0.0.1:PORT", WORKERS="2") as server:
        server.wait_for("/ready", 200)
        answers = [server.ask("/predict", image) for _ in range(20)]
        assert [answer["digits"] for _, _, answer in answers] == [[7]] * 20
        assert server.process.pid not in {answer["worker"] for _, _, answer in answers}
        assert server.ask("/predict", image[:10])[0] == 400
        assert server.ask("/nowhere")[0] == 404
        counted = server.ask("/stats")[2]
        assert counted["started"] == sum(counted["outcomes"].values()) + counted["in_flight"]
        said = server.stop()
        assert server.process.returncode == 0, said
        assert said.count("digits: DrainReport(finished=0, cancelled=0, refused=0") == 2


def test_celery(tmp_path):
    pytest.importorskip("celery")
    command = ("-m", "celery", "--workdir", "examples", "-A", "celery_app", "worker", "--concurrency", "2")
    folder = {"CELERY_FOLDER": str(tmp_path)}
    with serving(*command, "--without-gossip", "--without-mingle", "--without-heartbeat", **folder) as server:
        ask = "import sys; sys.path.insert(0, 'examples'); import celery_app; print(celery_app.ask())"
        assert "'digits': [7]" in run("-c", ask, **folder)
        said = server.stop()
        assert server.process.returncode == 0, said
        assert said.count("DrainReport(finished=0, cancelled=0, refused=0") == 2
