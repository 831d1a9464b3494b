"""The server's application behind a handler that gets requests and returns responses."""

import asyncio
import json

import engine
import pytest
from jobs import MODEL, rows

pytest.importorskip("starlette")

from engine.integrations.ray.asgi import answered  # noqa: E402
from engine.serve import app  # noqa: E402
from starlette.requests import Request  # noqa: E402


def ask(path, document=None, root="", **headers):
    """Status, headers, document."""
    body = b"" if document is None else json.dumps(document).encode()
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return parts.pop(0) if parts else await asyncio.Event().wait()

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http", "method": "GET" if document is None else "POST", "path": root + path, "root_path": root,
        "raw_path": path.encode(), "query_string": b"", "headers": pairs, "http_version": "1.1",
        "scheme": "http", "server": ("localhost", 80), "client": None,
    }  # fmt: skip
    response = asyncio.run(answered(app({"digits": engine.load(MODEL)}), Request(scope, receive)))
    return response.status_code, response.headers, json.loads(response.body)


DOCUMENT = {"inputs": [{"name": "image", "datatype": "FP32", "shape": [3, 8, 8], "data": rows(3).tolist()}]}


@pytest.mark.parametrize("root", ["", "/ml"])
def test_answers(root):
    status, headers, answer = ask("/v2/models/digits/infer", DOCUMENT, root, x_request_id="r-1")
    assert (status, answer["outputs"][0]["shape"], headers["x-request-id"]) == (200, [3, 10], "r-1")
    assert ask("/v2/models/digits", root=root)[2]["name"] == "digits"
    assert ask("/v2/models/none", root=root)[0] == 404


def test_how_long_the_proxy_waits_is_the_deadline():
    path = "/v2/models/digits/infer"
    assert ask(path, DOCUMENT, x_request_timeout_seconds="0.0000001")[0] == 504
    assert ask(path, DOCUMENT, x_request_timeout_seconds="10")[0] == 200
    assert ask(path, DOCUMENT, x_request_timeout_seconds="0.0000001", x_timeout="10")[0] == 200
