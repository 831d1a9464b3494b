"""How soon a client that goes away makes room for the one that waits."""

import json
import threading
import time

from asking import entry
from servicing import ENDLESS


def inputs(n, k):
    return json.dumps({"inputs": [entry("n", "INT64", [], n), entry("x", "FP32", [k], [0.0] * k)]})


def leave(server, calls, k):
    """A pair a call, of the monotonic clock: the socket of a call that computes without end is closed; a short call that waits for
    its permit is answered.

    server: of a counting model with one permit and room for one in the queue. k: elements that each step of the endless call adds.
    """
    endless, found = inputs(ENDLESS, k), []
    for _ in range(calls):
        time.sleep(0.1)  # apart, so that a busy moment of the machine does not meet all of them
        leaving, answered = server.connect(), []
        leaving.request("POST", "/v2/models/counting/infer", endless)
        while server.total("engine_requests_running") < 1:
            time.sleep(0.001)

        def wait(answered=answered):
            status = server.ask("POST", "/v2/models/counting/infer", inputs(1, 1))[0]
            answered.append((status, time.monotonic()))

        waiting = threading.Thread(target=wait)
        waiting.start()
        while server.total("engine_requests_queued") < 1:
            time.sleep(0.001)
        time.sleep(0.005)
        gone = time.monotonic()
        leaving.sock.close()
        waiting.join()
        assert answered[0][0] == 200
        found.append((gone, answered[0][1]))
    return found
