"""What the front for ONNX Runtime users costs: a call of a tiny model beside the engine's own and ONNX Runtime's; packages on both.

The figures are in extra_info.
"""

import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import engine
import engine.compat.onnxruntime as front
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "compat" / "programs"
RUNNERS = {"onnxruntime": [], "front": ["-m", "engine.compat.onnxruntime"]}
CALLS = 5000


def tiny():
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def session(runtime):
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(tiny(), options, providers=["CPUExecutionProvider"])


def microseconds(call):
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6


def test_a_call(benchmark):
    feeds = {"x": np.ones((1, 4), np.float32)}
    model, ours, theirs = engine.load(tiny(), threads=1), session(front), session(onnxruntime)
    options = front.RunOptions()
    calls = {
        "engine": lambda: model.run(feeds),
        "front": lambda: ours.run(None, feeds),
        "front, outputs named": lambda: ours.run(["y"], feeds),
        "front, with options": lambda: ours.run(None, feeds, options),
        "onnxruntime": lambda: theirs.run(None, feeds),
    }
    found = {name: [] for name in calls}

    def turn():
        for name, call in calls.items():
            found[name].append(microseconds(call))

    benchmark.pedantic(turn, rounds=11, warmup_rounds=1)
    benchmark.extra_info.update({name: round(statistics.median(us), 2) for name, us in found.items()})


@pytest.mark.parametrize(
    ("program", "rounds", "needed"),
    [
        ("content_types.py", 50, ["magika"]),
        ("read_text.py", 5, ["rapidocr"]),
        ("find_speech.py", 3, ["silero_vad", "torch"]),
    ],
)
def test_a_package(benchmark, program, rounds, needed):
    """Processes by turns; each tells what its rounds took."""
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    found = {name: [] for name in RUNNERS}

    def turn():
        for name, runner in RUNNERS.items():
            command = [sys.executable, *runner, str(PROGRAMS / program), str(rounds)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
            assert done.returncode == 0, done.stderr
            found[name].append(statistics.median(json.loads(done.stdout.splitlines()[-1])["seconds"]))

    benchmark.pedantic(turn, rounds=3)
    milliseconds = {name: round(statistics.median(took) * 1e3, 3) for name, took in found.items()}
    benchmark.extra_info.update(milliseconds)
