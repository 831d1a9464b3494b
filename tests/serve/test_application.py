"""The application's routes, deadlines, overload, cancellation and identity of requests, without a server."""

import asyncio
import pathlib
import threading
import time

import engine
import engine.serve
import numpy as np
import pytest
from asking import ask, ask_async, entry, infer
from servicing import ENDLESS, assert_idle, busy, counting, counting_model, feeds, wait_for_stats

pytest.importorskip("starlette")
DIGITS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "digits" / "digits.onnx"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def counting_inputs(n, k=4):
    return [entry("n", "INT64", [], n), entry("x", "FP32", [k], [0.0] * k)]


@pytest.fixture
def digits():
    return engine.serve.app({"digits": engine.load(DIGITS, name="digits")})


def test_health_and_metadata(digits):
    assert ask(digits, "GET", "/v2/health/live").json == {"live": True}
    assert ask(digits, "GET", "/v2/health/ready").json == {"ready": True}
    for path in ("/v2", "/v2/"):
        server = ask(digits, "GET", path).json
        assert (server["name"], server["version"]) == ("engine", engine.__version__)
        assert "binary_tensor_data" in server["extensions"]
    told = ask(digits, "GET", "/v2/models/digits").json
    assert told == ask(digits, "GET", "/v2/models/digits/versions/1").json
    assert told == {
        "name": "digits",
        "versions": ["1"],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 8, 8]}],
        "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, 10]}],
    }
    for path in ("/v2/models/digits/ready", "/v2/models/digits/versions/1/ready"):
        assert ask(digits, "GET", path).json == {"name": "digits", "ready": True}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/nowhere", 404),
        ("POST", "/v2/nowhere/infer", 404),
        ("GET", "/v2/models/unknown", 404),
        ("GET", "/v2/models/unknown/ready", 404),
        ("POST", "/v2/models/unknown/infer", 404),
        ("GET", "/v2/models/digits/versions/2", 404),
        ("GET", "/v2/models/digits/versions/latest", 404),
        ("POST", "/v2/models/digits/versions/2/infer", 404),
        ("GET", "/v2/models/digits/infer", 405),
        ("POST", "/v2/models/digits", 405),
        ("DELETE", "/v2/health/live", 405),
        ("GET", "/v2/repository/index", 405),
        ("POST", "/v2/repository/models/unknown/load", 404),
        ("POST", "/v2/repository/models/unknown/unload", 404),
        ("POST", "/metrics", 405),
    ],
)
def test_errors_are_json(digits, method, path, status):
    answer = ask(digits, method, path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(answer.error, str)
    assert answer.error
    assert ("allow" in answer.headers) == (status == 405)


def test_identity_of_a_request(digits):
    inputs = [entry("image", "FP32", [1, 8, 8], [0.0] * 64)]
    answer = infer(digits, "digits", {"id": "mine", "inputs": inputs}, x_request_id="other", traceparent=TRACE)
    assert (answer.json["id"], answer.headers["x-request-id"], answer.headers["traceparent"]) == ("mine", "mine", TRACE)
    answer = infer(digits, "digits", inputs, x_request_id="other")
    assert ("id" in answer.json, answer.headers["x-request-id"]) == (False, "other")
    made = [infer(digits, "digits", inputs, x_request_id="two words").headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    assert "two" not in made[0]
    assert "traceparent" not in infer(digits, "digits", inputs, traceparent=TRACE.upper()).headers
    odd = infer(digits, "digits", {"id": "two\r\nlines", "inputs": inputs})
    assert (odd.json["id"], "lines" in odd.headers["x-request-id"]) == ("two\r\nlines", False)
    failed = infer(digits, "digits", [], x_request_id="r-1", traceparent=TRACE)
    assert (failed.status, failed.headers["x-request-id"], failed.headers["traceparent"]) == (400, "r-1", TRACE)
    assert ask(digits, "GET", "/v2", x_request_id="r-2").headers["x-request-id"] == "r-2"


def test_under_another_path(digits):
    inputs = [entry("image", "FP32", [1, 8, 8], [0.0] * 64)]
    assert infer(digits, "digits", inputs, root_path="/models/api").status == 200
    assert ask(digits, "GET", "/v2/health/ready", root_path="/models/api").status == 200


def test_mounted_in_another_application(digits):
    from starlette.applications import Starlette
    from starlette.routing import Mount

    outer = Starlette(routes=[Mount("/ml", app=digits)])
    inputs = [entry("image", "FP32", [1, 8, 8], [0.0] * 64)]
    answer = ask(outer, "POST", "/ml/v2/models/digits/infer", {"inputs": inputs})
    assert answer.json["outputs"][0]["shape"] == [1, 10]
    assert ask(outer, "GET", "/ml/v2/models/digits/ready").status == 200
    assert ask(outer, "GET", "/ml/v2/nowhere").error


@pytest.mark.parametrize("how", ["parameter", "text", "header", "both"])
def test_deadline(how):
    model = counting(name="counting")
    app = engine.serve.app({"counting": model})
    document = {"inputs": counting_inputs(ENDLESS)}
    headers = {}
    if how != "header":
        document["parameters"] = {"timeout": "20000" if how == "text" else 20_000 if how == "parameter" else 60_000_000}
    if how in ("header", "both"):
        headers["x_timeout"] = "0.02"
    began = time.monotonic()
    answer = infer(app, "counting", document, **headers)
    assert (answer.status, "deadline" in answer.error) == (504, True)
    assert 0.02 <= time.monotonic() - began < 5
    assert infer(app, "counting", document, x_timeout="soon").status == 400
    assert_idle(model)


@pytest.mark.parametrize("status", [503, 429])
def test_overload(status):
    model = counting(max_queue=0)
    app = engine.serve.app({"counting": model}, engine.serve.Options(overloaded_status=status))
    with busy(model):
        answer = infer(app, "counting", counting_inputs(1))
        assert (answer.status, "queue is full" in answer.error) == (status, True)
        assert int(answer.headers["retry-after"]) >= 1
        assert int(answer.headers["x-retry-after-ms"]) >= 0
    assert infer(app, "counting", counting_inputs(1)).status == 200


def test_a_client_that_leaves_frees_its_permit():
    model = counting()
    app = engine.serve.app({"counting": model})
    lags = []

    async def leave():
        for _ in range(10):
            gone = asyncio.Event()
            body = engine.serve.protocol.dumps({"inputs": counting_inputs(ENDLESS)})
            asking = asyncio.ensure_future(ask_async(app, "POST", "/v2/models/counting/infer", body, gone=gone))
            while model.stats()["running"] != 1:
                await asyncio.sleep(0.001)
            began = time.monotonic()
            gone.set()
            answer = await asking
            lags.append(time.monotonic() - began)
            assert (answer.status, model.stats()["running"]) == (0, 0)

    asyncio.run(leave())
    assert sorted(lags)[5] < 0.002, lags
    assert_idle(model, ok=1, cancelled=10)
    seconds = model.stats()["seconds"]
    assert seconds["cancel_lag"]["count"] == seconds["stop"]["count"] == 10


def test_one_that_waits_leaves_too():
    model = counting(max_queue=1)
    app = engine.serve.app({"counting": model})

    async def leave():
        gone = asyncio.Event()
        body = engine.serve.protocol.dumps({"inputs": counting_inputs(1)})
        asking = asyncio.ensure_future(ask_async(app, "POST", "/v2/models/counting/infer", body, gone=gone))
        while model.stats()["queued"] != 1:
            await asyncio.sleep(0.001)
        gone.set()
        assert (await asking).status == 0
        assert model.stats()["queued"] == 0

    with busy(model):
        asyncio.run(leave())


def test_short_calls_compute_at_once(digits):
    model = digits.state.library.model("digits")
    inputs = [entry("image", "FP32", [1, 8, 8], [0.0] * 64)]
    for _ in range(5):
        assert infer(digits, "digits", inputs).status == 200
    threads = {thread.name for thread in threading.enumerate()}
    report = engine.CallReport()
    image = {"image": np.zeros((1, 8, 8), np.float32)}
    assert model._run_if_short(image, 1.0, None, None, None, report)["scores"].shape == (1, 10)
    assert (report.version, report.computed > 0) == (1, True)
    assert model._run_if_short(image, 1e-9, None, None, None, None) is None
    assert model._run_if_short({"image": np.zeros((77, 8, 8), np.float32)}, 1.0, None, None, None, None) is None
    assert model._run_if_short({"image": 3}, 1.0, None, None, None, None) is None
    assert model._run_if_short(image, 1.0, None, ["nothing"], None, None) is None
    with pytest.raises(engine.DeadlineExceeded):
        model._run_if_short(image, 1.0, 0, None, None, None)
    assert_idle(model, ok=6, deadline_compute=1)
    assert threads


def test_calls_with_a_loop_do_not_compute_on_the_event_loop():
    """However short those before were: how many rounds this one takes is in its data."""
    with counting() as model:
        for _ in range(5):
            model.run(feeds(1))
        assert model._run_if_short(feeds(ENDLESS), 1.0, 0.05, None, None, None) is None
        assert_idle(model, ok=6)


def test_repository(tmp_path):
    path = tmp_path / "digits.onnx"
    path.write_bytes(DIGITS.read_bytes())
    app = engine.serve.app({"digits": engine.load(path), "counting": counting(name="counting")})
    index = ask(app, "POST", "/v2/repository/index").json
    assert index == [
        {"name": "digits", "version": "1", "state": "READY", "reason": ""},
        {"name": "counting", "version": "1", "state": "READY", "reason": ""},
    ]
    assert ask(app, "POST", "/v2/repository/models/digits/load", {}).status == 200
    assert app.state.library.model("digits").version == 2
    assert ask(app, "POST", "/v2/repository/models/digits/unload", {"parameters": {"unload_dependents": False}}).status == 200
    assert ask(app, "GET", "/v2/models/digits/ready").status == 503
    assert infer(app, "digits", []).status == 503
    assert ask(app, "POST", "/v2/repository/index", {"ready": True}).json[0]["name"] == "counting"
    assert ask(app, "GET", "/v2/health/ready").status == 200
    path.write_bytes(b"broken")
    assert ask(app, "POST", "/v2/repository/models/digits/load").status == 400
    path.write_bytes(DIGITS.read_bytes())
    assert ask(app, "POST", "/v2/repository/models/digits/load").status == 200
    assert ask(app, "GET", "/v2/models/digits/ready").status == 200
    assert ask(app, "POST", "/v2/repository/models/digits/load", {"parameters": {"config": "{}"}}).status == 501
    assert ask(app, "POST", "/v2/repository/models/counting/unload").status == 400
    assert ask(app, "POST", "/v2/repository/models/digits/load", b"nonsense").status == 400
    closed = engine.serve.app({"digits": engine.load(path)}, engine.serve.Options(repository_control=False))
    assert ask(closed, "POST", "/v2/repository/models/digits/unload").status == 403


def test_not_ready():
    model = engine.load(counting_model(), background=True, warmup=False)
    model.wait_ready(30)
    app = engine.serve.app({"counting": model})
    assert ask(app, "GET", "/v2/health/ready").status == 200
    app.state.leaving = True
    answer = ask(app, "GET", "/v2/health/ready")
    assert (answer.status, answer.json["ready"], answer.headers["connection"]) == (503, False, "close")
    assert ask(app, "GET", "/v2/health/live").status == 200
    assert infer(app, "counting", counting_inputs(1)).headers["connection"] == "close"
    app.state.leaving = False
    model.drain(0)
    answer = infer(app, "counting", counting_inputs(1))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert ask(app, "GET", "/v2/models/counting").status == 503


def test_metrics_tell_what_was_asked(digits):
    pytest.importorskip("prometheus_client")
    inputs = [entry("image", "FP32", [1, 8, 8], [0.0] * 64)]
    for _ in range(7):
        infer(digits, "digits", inputs)
    infer(digits, "digits", [])
    infer(digits, "unknown", [])
    answer = ask(digits, "GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    text = answer.body.decode()
    assert 'engine_http_responses_total{code="200"} 7.0' in text
    assert 'engine_http_responses_total{code="404"} 1.0' in text
    opened = ask(digits, "GET", "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert opened.body.endswith(b"# EOF\n")


def test_the_application_waits_for_who_computes():
    """A request that was taken is counted until it is answered."""
    model = counting()
    app = engine.serve.app({"counting": model})

    async def ask_twice():
        body = engine.serve.protocol.dumps({"inputs": counting_inputs(ENDLESS), "parameters": {"timeout": 50_000}})
        asking = asyncio.ensure_future(ask_async(app, "POST", "/v2/models/counting/infer", body))
        await asyncio.sleep(0.01)
        assert app.state.in_flight == 1
        await asking
        assert app.state.in_flight == 0

    asyncio.run(ask_twice())
    wait_for_stats(model, running=0)
