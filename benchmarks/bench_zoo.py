"""Latency of real models beside ONNX Runtime and OpenVINO, each where it is installed.

ENGINE_ZOO names a folder of NAME/model.onnx with NAME/cases/*.npz; ENGINE_ZOO_MODELS, a regular expression, picks some;
ENGINE_BENCH_BURST is how many seconds each runtime calls the model in a round (0.1). The runtimes take turns within each round.
extra_info has the medians over the rounds, in microseconds, and benchmarks/RESULTS.md is written from it (results_table.py).
"""

import contextlib
import importlib.util
import os
import pathlib
import re
import statistics
import time

import numpy as np
import pytest
from racing import RUNTIMES, Contender, ContenderFailed, read_case

import engine

ZOO = pathlib.Path(os.environ["ENGINE_ZOO"]) if "ENGINE_ZOO" in os.environ else None
PICK = os.environ.get("ENGINE_ZOO_MODELS", "")
BURST = float(os.environ.get("ENGINE_BENCH_BURST", "0.1"))
OTHERS = [name for name in RUNTIMES[1:] if importlib.util.find_spec(name)]
ROUNDS = 5


def names():
    return sorted(p.parent.name for p in ZOO.glob("*/model.onnx") if re.search(PICK, p.parent.name)) if ZOO else []


def check(outputs, wanted):
    """Floats within 2 % of an output's largest magnitude: a wrong answer shows, another order of summation does not."""
    for name, got in outputs.items():
        if isinstance(got, np.ndarray) and got.dtype.kind == "f" and name in wanted:
            scale = np.abs(wanted[name][np.isfinite(wanted[name])]).max(initial=1e-6)
            np.testing.assert_allclose(got, wanted[name], rtol=2e-3, atol=2e-2 * scale, err_msg=name)


def open_others(stack, model, case, threads):
    """runtime -> Contender, or None for one that refuses the model."""
    found = dict.fromkeys(OTHERS)
    for runtime in OTHERS:
        with contextlib.suppress(ContenderFailed):
            found[runtime] = stack.enter_context(Contender(runtime, model, case, threads))
    return found


def calls_in_a_burst(run):
    begin = time.perf_counter()
    run()
    return max(3, int(BURST / (time.perf_counter() - begin)))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "name", names() or [pytest.param("", marks=pytest.mark.skip(reason="ENGINE_ZOO names no folder of models"))]
)
def test_zoo(benchmark, name, threads):
    path = ZOO / name / "model.onnx"
    case = min((ZOO / name / "cases").glob("*.npz"))
    feeds, wanted = read_case(case)
    model = engine.load(path, threads=threads)
    check(model.run(feeds), wanted)
    with contextlib.ExitStack() as stack:
        others = open_others(stack, path, case, threads)
        theirs = {runtime: [] for runtime, other in others.items() if other}

        def let_the_others(*_):
            for runtime, times in theirs.items():
                times.append(others[runtime].burst(BURST)["mean"])
            model.run(feeds)

        calls = calls_in_a_burst(lambda: model.run(feeds))
        benchmark.pedantic(model.run, (feeds,), rounds=ROUNDS, iterations=calls, teardown=let_the_others)
    if benchmark.stats:
        medians = {runtime: statistics.median(times[:ROUNDS]) for runtime, times in theirs.items()}
        benchmark.extra_info["zoo"] = {
            "model": name,
            "threads": threads,
            "us": {"engine": benchmark.stats.stats.median * 1e6} | {r: t * 1e6 for r, t in medians.items()},
            "versions": {"engine": engine.__version__} | {r: others[r].loaded["version"] for r in theirs},
        }
