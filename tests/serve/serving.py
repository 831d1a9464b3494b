"""`engine serve` as a program on a port of loopback."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

from subprocesses import PACKAGES

PATIENCE = 60.0


class Server:
    def __init__(self, *arguments, program=("-m", "engine")):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(PACKAGES)}
        command = [sys.executable, *map(str, program), "serve", *map(str, arguments), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, method, path, body=None, connection=None, **headers):
        """Status, headers, body."""
        own = connection is None
        connection = connection or self.connect()
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            if own:
                connection.close()

    def infer(self, name, inputs, **options):
        return self.ask("POST", f"/v2/models/{name}/infer", json.dumps({"inputs": inputs}), **options)

    def status(self, path):
        try:
            return self.ask("GET", path)[0]
        except OSError:
            return 0

    def wait_for(self, path, status):
        end = time.monotonic() + PATIENCE
        while (found := self.status(path)) != status:
            assert time.monotonic() < end, f"{path} is {found}"
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.02)

    def metrics(self):
        """(name, sorted labels) -> value."""
        from prometheus_client.parser import text_string_to_metric_families

        families = text_string_to_metric_families(self.ask("GET", "/metrics")[2].decode())
        return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}

    def total(self, name, **labels):
        wanted = set(labels.items())
        return sum(value for (found, *told), value in self.metrics().items() if found == name and wanted <= set(told))

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def ended(self):
        """Exit code, and what it logged: one dict a line."""
        said = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode, [json.loads(line) for line in said.splitlines() if line.startswith("{")]


@contextlib.contextmanager
def serving(*arguments, **options):
    server = Server(*arguments, **options)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stderr.close()
