"""Requests a second and latency of `engine serve` beside LitServe with ONNX Runtime, under wrk on loopback.

    python benchmarks/serve_race.py MODEL.onnx --shape image=1,8,8 --rival-python PYTHON --seconds 4 --rounds 2

PYTHON: an interpreter that has litserve and onnxruntime. Both get the same JSON request. The servers take turns, so that what else
happens on the machine happens to both. Prints a line of JSON for each server, body and number of connections; the figures of
/metrics must agree with what wrk counted.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy as np

import engine

RIVAL = """
import sys
import litserve, numpy as np, onnxruntime

class Served(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(sys.argv[1], options)
        self.types = {i.name: np.float32 for i in self.session.get_inputs()}

    def decode_request(self, request):
        return {i["name"]: np.array(i["data"], self.types[i["name"]]).reshape(i["shape"]) for i in request["inputs"]}

    def predict(self, feeds):
        return self.session.run(None, feeds)

    def encode_response(self, outputs):
        names = [o.name for o in self.session.get_outputs()]
        return {"outputs": [{"name": n, "shape": list(o.shape), "data": o.ravel().tolist()} for n, o in zip(names, outputs)]}

if __name__ == "__main__":
    server = litserve.LitServer(Served(), accelerator="cpu", devices=1, workers_per_device=int(sys.argv[3]))
    server.run(port=int(sys.argv[2]), num_api_servers=int(sys.argv[4]), log_level="error", generate_client_file=False)
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, port, path, **environment):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                               env={**os.environ, **environment})
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
                break
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit(f"{command[0]} does not start") from None
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)
        with contextlib.suppress(ProcessLookupError):  # what it started and left behind
            os.killpg(process.pid, signal.SIGKILL)


def body_of(model, shapes, binary):
    """(body, headers): zeros in every input."""
    entries, raw = [], b""
    for info in model.inputs:
        x = np.random.default_rng(0).random(shapes[info.name], np.float32)
        entry = {"name": info.name, "datatype": "FP32", "shape": list(x.shape)}
        if binary:
            entry["parameters"] = {"binary_data_size": x.nbytes}
            raw += x.tobytes()
        else:
            entry["data"] = x.reshape(-1).tolist()
        entries.append(entry)
    document = {"inputs": entries, **({"parameters": {"binary_data_output": True}} if binary else {})}
    text = json.dumps(document).encode()
    headers = {"Content-Type": "application/json"}
    if binary:
        headers["Inference-Header-Content-Length"] = str(len(text))
    return text + raw, headers


SCRIPT = """
local file = io.open("{body}", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
{headers}
done = function(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %f %f\\n", summary.requests, summary.duration, bad, latency:percentile(50), latency:percentile(99)))
end
"""


def load(url, body, headers, connections, seconds):
    """(requests a second, p50 and p99 in ms, requests, failures)."""
    with tempfile.TemporaryDirectory() as folder:
        content, script = pathlib.Path(folder, "body"), pathlib.Path(folder, "script.lua")
        content.write_bytes(body)
        lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
        script.write_text(SCRIPT.format(body=content, headers=lines))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count, microseconds, bad, p50, p99 = map(float, re.search(r"RESULT (.*)", said)[1].split())
    return count / (microseconds * 1e-6), p50 * 1e-3, p99 * 1e-3, int(count), int(bad)


def answered(port):
    """What /metrics says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        text = response.read().decode()
    return sum(float(value) for value in re.findall(r'engine_requests_total\{[^}]*outcome="ok"[^}]*\} (\S+)', text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--shape", action="append", default=[], metavar="NAME=D,D")
    parser.add_argument("--rival-python")
    parser.add_argument("--rival-workers", type=int, default=1)
    parser.add_argument("--rival-servers", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    shapes = {name: [int(d) for d in dims.split(",")] for name, dims in (s.split("=") for s in arguments.shape)}
    ports = free_port(), free_port()
    command = [sys.executable, "-m", "engine", "serve", arguments.model, "--name", "m", "--port", str(ports[0]), "--max-queue", "1024"]
    command += ["--workers", str(arguments.workers), "--log-level", "ERROR", "--drain-delay", "0"]
    body = {binary: body_of(engine.load(arguments.model), shapes, binary) for binary in (False, True)}
    urls = {"engine": f"http://127.0.0.1:{ports[0]}/v2/models/m/infer", "litserve": f"http://127.0.0.1:{ports[1]}/predict"}
    results = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(command, ports[0], "/v2/health/ready"))
        racers = [("engine", False), ("engine", True)]
        if arguments.rival_python:
            program = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".py"))
            program.write(RIVAL)
            program.flush()
            numbers = [str(ports[1]), str(arguments.rival_workers), str(arguments.rival_servers)]
            stack.enter_context(running([arguments.rival_python, program.name, arguments.model, *numbers], ports[1], "/health"))
            racers.append(("litserve", False))
        sent = 0
        for racer, binary in racers:
            load(urls[racer], *body[binary], 4, 1)
        before = answered(ports[0])
        for _ in range(arguments.rounds):
            for connections in arguments.connections:
                for racer, binary in racers:
                    found = load(urls[racer], *body[binary], connections, arguments.seconds)
                    results.setdefault((racer, binary, connections), []).append(found)
                    sent += found[3] if racer == "engine" else 0
        counted = answered(ports[0]) - before
    for (racer, binary, connections), found in results.items():
        rate, p50, p99 = (round(statistics.median(run[k] for run in found), 3) for k in range(3))
        line = {"server": racer, "body": "binary" if binary else "json", "connections": connections, "requests_per_second": round(rate)}
        print(json.dumps({**line, "p50_ms": p50, "p99_ms": p99, "failed": sum(run[4] for run in found)}))
    print(json.dumps({"wrk_counted": sent, "metrics_counted": int(counted)}))


if __name__ == "__main__":
    main()
