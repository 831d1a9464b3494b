"""Requests that mean no good: numbers beyond reason, lengths that lie, clients that leave or dawdle. None is a 500, none keeps a permit."""

import asyncio
import json
import socket
import time

import engine
import engine.serve
import numpy as np
import pytest
from asking import ask, entry, infer
from onnx import TensorProto, helper
from servicing import counting, counting_model, to_bytes

pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from serving import serving  # noqa: E402

INFER = "/v2/models/echo/infer"
GOOD = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.0, 2.0]}
DIGITS = "9" * 5000


def served(elem_type=TensorProto.FLOAT, shape=("n", "m"), **options):
    info = [helper.make_tensor_value_info(name, elem_type, list(shape)) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "echo", info[:1], info[1:])
    return engine.serve.app({"echo": engine.load(to_bytes(graph), name="echo")}, engine.serve.Options(**options))


def refused(answer, status=400):
    assert (answer.status, bool(answer.error), len(answer.body) < 2000) == (status, True, True), answer.body[:300]


@pytest.mark.parametrize("timeout", ["\u00b2", "\u0663", "1" * 400, DIGITS, "-1", "1.5", "", True, [1], 1.5, -1])
def test_timeouts(timeout):
    refused(ask(served(), "POST", INFER, {"inputs": [GOOD], "parameters": {"timeout": timeout}}))


@pytest.mark.parametrize("timeout", ["-1", "-inf", "nan", "soon", "0x1", ""])
def test_timeouts_in_the_header(timeout):
    refused(ask(served(), "POST", INFER, {"inputs": [GOOD]}, x_timeout=timeout))


@pytest.mark.parametrize("timeout", [1 << 62, (1 << 64) - 1, "9" * 18])
def test_no_timeout_is_too_long(timeout):
    app = served()
    assert ask(app, "POST", INFER, {"inputs": [GOOD], "parameters": {"timeout": timeout}}).status == 200
    assert ask(app, "POST", INFER, {"inputs": [GOOD]}, x_timeout="1e300").status == 200


def test_numbers_of_many_digits():
    app = served()
    refused(ask(app, "POST", INFER, {"inputs": [GOOD]}, inference_header_content_length=DIGITS))
    refused(ask(app, "POST", INFER, chunks=[b"{}"], content_length=DIGITS), 413)
    refused(ask(app, "POST", f"/v2/models/echo/versions/{DIGITS}/infer", {"inputs": [GOOD]}), 404)
    refused(ask(app, "GET", f"/v2/models/echo/versions/{DIGITS}"), 404)


@pytest.mark.parametrize("shape", [[1] * 65, [1] * 40, [0, (1 << 64) - 1], [0, 1 << 62], [0, 1 << 62, 1 << 62], [1 << 62] * 20_000])
def test_shapes(shape):
    """Those of many dimensions are refused before their product is made."""
    count = 0 if 0 in shape else 1
    began = time.process_time()
    for kind, datatype in ((TensorProto.FLOAT, "FP32"), (TensorProto.STRING, "BYTES")):
        app = served(kind)
        data = ["a" if datatype == "BYTES" else 1.0] * count
        refused(infer(app, "echo", [entry("x", datatype, shape, data)]))
        refused(infer(app, "echo", [entry("x", datatype, shape, size=4 * count)], bytes(4 * count)))
    assert time.process_time() - began < 1


@pytest.mark.parametrize("datatype", ["FP32", "INT64", "UINT64", "BOOL", "BYTES"])
@pytest.mark.parametrize("data", ["[" * 1000 + "]" * 1000, "[" * 500 + "1" + "]" * 500, "[[1], 2]", "[1, [2]]", "[[[]], 1]", "{}", "[{}]", "[null]"])
def test_nested_data(datatype, data):
    body = '{"inputs": [{"name": "x", "datatype": "%s", "shape": [1, 2], "data": %s}]}' % (datatype, data)
    refused(ask(served(), "POST", INFER, body.encode()))


def test_a_text_among_numbers_takes_no_room_for_all():
    """A NumPy array of these would have 160 GB."""
    count = 200_000
    refused(infer(served(shape=("n",)), "echo", [entry("x", "FP32", [count], ["a" * count] + [0] * (count - 1))]))


@pytest.mark.parametrize("parameters", [[1], 5, "x", True])
@pytest.mark.parametrize("what", ["load", "unload"])
def test_parameters_of_the_repository(what, parameters):
    refused(ask(served(), "POST", f"/v2/repository/models/echo/{what}", {"parameters": parameters}))


@pytest.mark.parametrize("path", ["/v2/repository/index", "/v2/repository/models/echo/load"])
def test_bodies_of_the_repository(path):
    app = served(max_body=100)
    refused(ask(app, "POST", path, b"[" * 90), 400)
    for options in ({"body": b" " * 101}, {"chunks": [b" " * 60, b" " * 60]}, {"chunks": [b""], "content_length": DIGITS}):
        answer = ask(app, "POST", path, **options)
        refused(answer, 413)
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", [INFER, "/v2/repository/index"])
def test_a_client_that_leaves_while_it_sends(path, caplog):
    app = served()
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    async def send(message):
        pass

    asyncio.run(app({"type": "http", "method": "POST", "path": path, "root_path": "", "headers": [], "query_string": b""}, receive, send))
    assert (app.state.responses[499], app.state.responses[500], app.state.in_flight) == (1, 0, 0)
    assert not caplog.records


def test_a_connection_that_cannot_be_listened_to():
    model = counting(name="counting")
    app = engine.serve.app({"counting": model})
    body = json.dumps({"inputs": [entry("n", "INT64", [], 1 << 60), entry("x", "FP32", [1], [0.0])]}).encode()
    messages = [{"type": "http.request", "body": body}]

    async def receive():
        if messages:
            return messages.pop()
        raise OSError("the connection is broken")

    async def send(message):
        pass

    scope = {"type": "http", "method": "POST", "path": "/v2/models/counting/infer", "root_path": "", "headers": []}
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 30))
    assert (app.state.responses[499], model.stats()["running"], model.stats()["outcomes"]["cancelled"]) == (1, 0, 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Of a counting model with one permit and no queue: a permit that is kept makes every other call a 503."""
    path = tmp_path_factory.mktemp("hostile") / "counting.onnx"
    path.write_bytes(counting_model())
    with serving(path, "--max-concurrency", 1, "--max-queue", 0, "--max-body", 1 << 20, "--drain-delay", 0, "--drain-timeout", 1) as running:
        running.wait_for("/v2/health/ready", 200)
        yield running


def counting_inputs(n=1, k=1):
    return [entry("n", "INT64", [], n), entry("x", "FP32", [k], [0.0] * k)]


def head(*lines, length=None):
    length = [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join(["POST /v2/models/counting/infer HTTP/1.1", "Host: x", *lines, *length, "", ""]).encode()


def sent(server, raw):
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    sock.sendall(raw)
    return sock


def status_of(sock):
    """Of the first answer; 0 when the connection is closed without one."""
    with sock, sock.makefile("rb") as file:
        line = file.readline()
    return int(line.split()[1]) if line else 0


def answers(server):
    """The permit is free, or comes back: a call whose connection was refused a moment ago may still be on its way out."""
    end = time.monotonic() + 20
    while (status := server.infer("counting", counting_inputs())[0]) == 503 and time.monotonic() < end:
        time.sleep(0.001)
    assert status == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (head(length="-5"), 400),
        (head(length="5x"), 400),
        (head(length=DIGITS), 400),
        (head("Transfer-Encoding: chunked", length=5) + b"0\r\n\r\n", 400),
        (head("Transfer-Encoding: chunked") + b"zz\r\n", 400),
        (head(length=(1 << 20) + 1), 413),
        (head("Transfer-Encoding: chunked") + b"200000\r\n" + bytes(2 << 20) + b"\r\n0\r\n\r\n", 413),
        (head("Inference-Header-Content-Length: 3", length=2) + b"{}", 400),
        (head("Inference-Header-Content-Length: -3", length=2) + b"{}", 400),
        (head("X-Timeout: -1", length=2) + b"{}", 400),
        (b"\x16\x03\x01" * 100, 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_lengths_that_lie(server, raw, status):
    assert status_of(sent(server, raw)) == status
    answers(server)


def test_less_than_was_promised(server):
    body = json.dumps({"inputs": counting_inputs()}).encode()
    sock = sent(server, head(length=len(body) + 1) + body)
    answers(server)
    sock.shutdown(socket.SHUT_WR)
    assert status_of(sock) == 0
    answers(server)


def test_more_than_was_promised(server):
    """What follows is a request of its own, and none that makes sense."""
    body = json.dumps({"inputs": counting_inputs()}).encode()
    assert status_of(sent(server, head(length=len(body)) + body + b"more\r\n\r\n")) in (200, 400)
    answers(server)


def test_who_does_not_read_keeps_no_permit(server):
    body = json.dumps({"inputs": counting_inputs(k=100_000)}).encode()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    sock.sendall((head(length=len(body)) + body) * 3)
    before = server.total("engine_requests_total", outcome="ok")
    end = time.monotonic() + 20
    while server.total("engine_requests_total", outcome="ok") == before:
        assert time.monotonic() < end
    answers(server)
    sock.close()
    answers(server)


def test_who_dawdles_holds_up_nobody(server):
    """Nor the end of the server: this test is the last on it."""
    dawdling = [sent(server, b"POST /v2/models/counting/infer HTT") for _ in range(20)]
    dawdling += [sent(server, head(length=1000) + b"{") for _ in range(20)]
    for sock in dawdling:
        sock.sendall(b" ")
    answers(server)
    assert server.total("engine_requests_in_progress") == 0
    began = time.monotonic()
    server.signal()
    assert server.ended()[0] == 0
    assert time.monotonic() - began < 10
    for sock in dawdling:
        sock.close()
