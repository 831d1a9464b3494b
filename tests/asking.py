"""An ASGI application asked without a server."""

import asyncio
import json
from dataclasses import dataclass, field


@dataclass
class Answer:
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    def tensors(self):
        """Outputs of an answer in binary: (JSON, name -> bytes)."""
        length = int(self.headers["inference-header-content-length"])
        document, at, raw = json.loads(self.body[:length]), length, {}
        for output in document["outputs"]:
            size = output["parameters"]["binary_data_size"]
            raw[output["name"]] = self.body[at : at + size]
            at += size
        assert at == len(self.body)
        return document, raw


async def ask_async(app, method, path, body=b"", *, chunks=None, gone=None, root_path="", **headers):
    """gone: an asyncio.Event; the client closes the connection when it is set."""
    pairs = [(name.replace("_", "-").encode(), str(value).encode()) for name, value in headers.items()]
    if chunks is None:
        pairs.append((b"content-length", b"%d" % len(body)))
    scope = {"type": "http", "method": method, "path": root_path + path, "root_path": root_path, "headers": pairs}
    scope.update(query_string=b"", http_version="1.1", scheme="http", server=("test", 80), client=("test", 1), asgi={"version": "3.0"})
    parts = list(chunks or [body])
    answer = Answer()

    async def receive():
        if parts:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += bytes(message.get("body", b""))

    await app(scope, receive, send)
    if answer.status:
        assert int(answer.headers["content-length"]) == len(answer.body)
    return answer


def ask(app, method, path, body=b"", **options):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return asyncio.run(ask_async(app, method, path, body, **options))


def infer(app, name, inputs, tail=b"", *, path="", **options):
    """inputs: the request's document, or its list of inputs. With a tail the length of the JSON is told."""
    document = inputs if isinstance(inputs, dict) else {"inputs": inputs}
    text = json.dumps(document).encode()
    if tail:
        options["inference_header_content_length"] = len(text)
    return ask(app, "POST", f"/v2/models/{name}{path}/infer", text + tail, **options)


def entry(name, datatype, shape, data=None, size=None):
    told = {"name": name, "datatype": datatype, "shape": list(shape)}
    return {**told, "data": data} if size is None else {**told, "parameters": {"binary_data_size": size}}
