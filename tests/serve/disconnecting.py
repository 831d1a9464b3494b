"""How soon a client that goes away makes room for the one that waits."""

import json
import threading
import time

from asking import entry
from servicing import ENDLESS


def inputs(n, k):
    return json.dumps({"inputs": [entry("n", "INT64", [], n), entry("x", "FP32", [k], [0.0] * k)]})


def seconds_until_the_next_is_answered(server, calls, k):
    """One number a call: from closing the socket of a call that computes without end to the answer of a short call that waits.

    server: of a counting model with one permit and room for one in the queue. k: elements that each step of the endless call adds.
    """
    endless, found = inputs(ENDLESS, k), []
    for _ in range(calls):
        leaving, answered = server.connect(), []
        leaving.request("POST", "/v2/models/counting/infer", endless)
        while server.total("engine_requests_running") < 1:
            time.sleep(0.001)

        def wait(answered=answered):
            status = server.ask("POST", "/v2/models/counting/infer", inputs(1, 1))[0]
            answered.append((status, time.perf_counter()))

        waiting = threading.Thread(target=wait)
        waiting.start()
        while server.total("engine_requests_queued") < 1:
            time.sleep(0.001)
        time.sleep(0.005)
        gone = time.perf_counter()
        leaving.sock.close()
        waiting.join()
        assert answered[0][0] == 200
        found.append(answered[0][1] - gone)
    return found
