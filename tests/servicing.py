"""What the tests of a model in service share: models with calls that last as long as a test wants, and waiting for a fact."""

import contextlib
import threading
import time

import engine
import numpy as np
from onnx import TensorProto, helper, numpy_helper

ENDLESS = 1 << 60
IDLE = {"in_flight": 0, "running": 0, "queued": 0}
PATIENCE = 60.0


def counting_model(step=1.0, name="x"):
    """y = x + step, added n times in a Loop: a call with n = ENDLESS computes until it is stopped."""
    scalar = TensorProto.BOOL, []
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Add", ["v", "step"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", *scalar),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, ["k"]),
        ],
        [helper.make_tensor_value_info("go_on", *scalar), helper.make_tensor_value_info("next", TensorProto.FLOAT, ["k"])],
        [numpy_helper.from_array(np.array([step], np.float32), "step")],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["n", "", name], ["y"], body=body)],
        "counting",
        [
            helper.make_tensor_value_info("n", TensorProto.INT64, []),
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["k"]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["k"])],
    )
    return to_bytes(graph)


def constant_model(value, n=64, m=8):
    """y = x @ W @ 1: with x of ones every element of y is `value`, which tells the weights that answered."""
    weights = np.full((n, n), value / n, np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("MatMul", ["h", "e"], ["y"])],
        "constant",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [m, n])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [m, n])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.eye(n, dtype=np.float32), "e")],
    )
    return to_bytes(graph)


def to_bytes(graph):
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def ones(n=64, m=8):
    return {"x": np.ones((m, n), np.float32)}


def feeds(n, k=4):
    """For counting_model."""
    return {"n": np.array(n, np.int64), "x": np.zeros(k, np.float32)}


def counting(**options):
    """Such a model with one permit, its plan made."""
    model = engine.load(counting_model(), **{"threads": 1, "max_concurrency": 1, "refuse_late": False, **options})
    if options.get("timeout") is None and options.get("max_timeout") is None:
        model.run(feeds(1))
    return model


def wait_until(fact):
    """Until fact() is true; what never comes fails the test."""
    end = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.001)


def wait_for_stats(model, **wanted):
    wait_until(lambda: {key: model.stats()[key] for key in wanted} == wanted)


class Call(threading.Thread):
    """model.run in a thread of its own."""

    def __init__(self, model, inputs, **options):
        super().__init__(daemon=True)
        self.model, self.inputs, self.options = model, inputs, options
        self.answer = self.error = None
        self.start()

    def run(self):
        try:
            self.answer = self.model.run(self.inputs, **self.options)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.error = error

    def ended(self):
        self.join(PATIENCE)
        assert not self.is_alive(), "the call does not end"
        return self


@contextlib.contextmanager
def busy(model, calls=1):
    """All permits are held by endless calls."""
    token = engine.CancelToken()
    running = [Call(model, feeds(ENDLESS), cancel=token) for _ in range(calls)]
    wait_for_stats(model, running=calls)
    try:
        yield token
    finally:
        token.cancel()
        for call in running:
            call.ended()


def outcomes(model):
    """The outcomes that occurred."""
    return {name: count for name, count in model.stats()["outcomes"].items() if count}


def assert_idle(model, **wanted):
    """Every counter adds up, no permit and no place in the queue is held; wanted: the outcomes that occurred."""
    wait_for_stats(model, **IDLE)
    stats = model.stats()
    assert stats["started"] == sum(stats["outcomes"].values())
    if wanted:
        assert outcomes(model) == wanted
