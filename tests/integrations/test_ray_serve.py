"""engine.integrations.ray.deployment on a local Serve: ready when warm, reload by user_config, deadlines, and an end in order."""

import json
import os
import socket
import time
import urllib.error
import urllib.request

import engine
import numpy as np
import pytest
from harness import one_node
from jobs import DIGITS, MODEL
from subprocesses import PACKAGES

ray = pytest.importorskip("ray")
serve = pytest.importorskip("ray.serve")
pytest.importorskip("starlette")

from engine.integrations.ray import deployment  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

IMAGE = np.load(DIGITS / "sample.npy")[np.newaxis]
BODY = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 8, 8], "data": IMAGE.tolist()}]}).encode()


@pytest.fixture(scope="module")
def port():
    os.environ["PYTHONPATH"] = os.pathsep.join(PACKAGES)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found = probe.getsockname()[1]
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": found, "request_timeout_s": 10})
    yield found
    serve.shutdown()
    ray.shutdown()


def ask(port, path, data=None, **headers):
    """Status and document."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            text, status = response.read(), response.status
    except urllib.error.HTTPError as error:
        with error:
            text, status = error.read(), error.code
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text.decode()


@pytest.fixture(scope="module")
def handle(port):
    """Two replicas of the digits model, under /digits."""
    made = deployment(num_replicas=2, ray_actor_options={"num_cpus": 0.5}).bind(MODEL, timeout=5.0)
    return serve.run(made, name="digits", route_prefix="/digits")


def test_http(port, handle):
    status, answer = ask(port, "/digits/v2/models/digits/infer", BODY)
    assert status == 200, answer
    assert answer["outputs"][0]["name"] == "scores"
    assert int(np.argmax(answer["outputs"][0]["data"])) == 7
    assert ask(port, "/digits/v2/health/ready")[0] == 200
    assert ask(port, "/digits/v2/models/digits")[1]["inputs"][0]["shape"] == [-1, 8, 8]
    assert ask(port, "/digits/v2/models/none/infer", BODY)[0] == 404
    assert ask(port, "/digits/v2/models/digits/infer", b"{}")[0] == 400


def test_deadlines(port, handle):
    assert ask(port, "/digits/v2/models/digits/infer", BODY, x_timeout="0")[0] == 504
    assert ask(port, "/digits/v2/models/digits/infer", BODY, x_timeout="4")[0] == 200
    with pytest.raises(engine.DeadlineExceeded):
        handle.infer.remote({"image": IMAGE}, timeout=0).result()


def test_handles(handle):
    answers = [handle.infer.remote({"image": IMAGE}) for _ in range(50)]
    assert all(int(answer.result()["scores"].argmax()) == 7 for answer in answers)
    with pytest.raises(engine.InvalidInput, match="image"):
        handle.infer.remote({"image": IMAGE[:, :3]}).result()
    assert handle.stats.remote().result()["state"] == "READY"


def test_health_is_not_load(handle):
    assert serve.status().applications["digits"].status == "RUNNING"


def test_reload(port, tmp_path):
    paths = [tmp_path / "neg.onnx", tmp_path / "abs.onnx"]
    x = np.array([-3.0], np.float32)
    for path, op in zip(paths, ("Neg", "Exp"), strict=True):
        path.write_bytes(one_node(op, [x]))

    def run(**config):
        made = deployment(ray_actor_options={"num_cpus": 0.5}, user_config=config or None)
        return serve.run(made.bind(str(paths[0]), name="one"), name="one", route_prefix="/one")

    def answer(to):
        return float(to.infer.remote({"x0": x}).result()["y0"][0])

    handle = run()
    assert answer(handle) == 3.0
    handle = run(model=str(paths[1]), sha256=engine.load(paths[1]).digest)
    assert answer(handle) == pytest.approx(np.exp(-3.0))
    assert handle.stats.remote().result()["version"] == 2
    serve.delete("one")


def slow(path, seconds):
    """A model of one call that takes about so long."""
    from harness import LATEST
    from onnx import TensorProto, helper

    def write(rounds):
        floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("before", "after")]
        going = [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("go", "goes")]
        turn = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
        nodes = [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Add", ["before", "before"], ["after"])]
        body = helper.make_graph(nodes, "body", [turn, going[0], floats[0]], [going[1], floats[1]])
        graph = helper.make_graph(
            [helper.make_node("Loop", ["rounds", "", "x"], ["y"], body=body)],
            "slow",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8])],
            [helper.make_tensor("rounds", TensorProto.INT64, [], [rounds])],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", LATEST)], ir_version=10)
        path.write_bytes(model.SerializeToString())

    write(50_000)
    model = engine.load(path, warmup=False)
    began = time.monotonic()
    model(np.zeros((1, 8), np.float32))
    write(int(50_000 * seconds / (time.monotonic() - began)))
    return str(path)


def test_it_drains(port, tmp_path):
    """What is in flight when the application is deleted is answered."""
    made = deployment(ray_actor_options={"num_cpus": 0.5}).bind(slow(tmp_path / "slow.onnx", 1.5), warmup=False, name="slow")
    handle = serve.run(made, name="slow", route_prefix="/slow")
    answer = handle.infer.remote({"x": np.ones((1, 8), np.float32)})
    time.sleep(0.5)
    serve.delete("slow", _blocking=False)
    assert answer.result(timeout_s=20)["y"].shape == (1, 8)


def test_what_serve_gives_up_is_stopped(port, tmp_path):
    """The proxy's time-out cancels the request, which stops the compute."""
    made = deployment(ray_actor_options={"num_cpus": 0.5}).bind(slow(tmp_path / "slow.onnx", 8.0), warmup=False, name="slow")
    handle = serve.run(made, name="stopped", route_prefix="/stopped")
    answer = handle.infer.remote({"x": np.ones((1, 8), np.float32)})
    time.sleep(0.5)
    answer.cancel()
    end = time.monotonic() + 4
    while handle.stats.remote().result()["outcomes"]["cancelled"] == 0:
        assert time.monotonic() < end, handle.stats.remote().result()["outcomes"]
        time.sleep(0.05)
    serve.delete("stopped")


def test_a_model_that_does_not_load_is_never_ready(port, tmp_path):
    made = deployment(ray_actor_options={"num_cpus": 0.5}, max_constructor_retry_count=1).bind(MODEL, sha256="0" * 64)
    with pytest.raises(RuntimeError):
        serve.run(made, name="bad", route_prefix="/bad")
    said = str(serve.status().applications["bad"])
    assert "DigestMismatch" in said
    serve.delete("bad")
