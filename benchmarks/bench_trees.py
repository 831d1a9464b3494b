"""Gradient-boosted trees beside ONNX Runtime, LightGBM's own predictor and lleaves (each where it is installed).

    python benchmarks/bench_trees.py [--trees 500] [--leaves 63] [--rows 1 10 100 1000] [--threads 1] [--inputs 1 64]

Runtimes take turns; the answer of each is compared before it is timed. With --inputs N a call has other rows than the N - 1 before
it, as a service's calls have: one row again and again is quick to walk, since the CPU learns which branches it takes.
"""

import argparse
import importlib.util
import itertools
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import boosted_trees
import engine


def runtimes(booster, threads):
    """name -> function from rows to predictions."""
    onnx_model = boosted_trees.to_onnx(booster)
    model = engine.load(onnx_model, threads=threads)
    found = {"engine": lambda x: model.run({"x": x})["y"][:, 0]}
    if importlib.util.find_spec("onnxruntime"):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(onnx_model, options, providers=["CPUExecutionProvider"])
        found["onnxruntime"] = lambda x: session.run(None, {"x": x})[0][:, 0]
    found["lightgbm"] = lambda x: booster.predict(x, num_threads=threads)
    if importlib.util.find_spec("lleaves"):
        import lleaves

        folder = Path(tempfile.gettempdir())
        text = booster.model_to_string()
        path = folder / f"bench_trees_{abs(hash_text(text))}.txt"
        path.write_text(text)
        compiled = lleaves.Model(model_file=str(path))
        compiled.compile(cache=str(path.with_suffix(".lleaves")))
        found["lleaves"] = lambda x: compiled.predict(x, n_jobs=threads)
    return found


def hash_text(text):
    import zlib

    return zlib.crc32(text.encode())


def best_time(run, inputs, seconds):
    """A call's time: the best round through all inputs, shared out."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        for x in inputs:
            run(x)
        best = min(best, time.perf_counter() - begin)
    return best / len(inputs)


def compare(booster, rows, threads, inputs, rounds=5, seconds=0.1):
    """name -> the median over rounds of the best time, in seconds."""
    batches = list(np.random.default_rng(1).normal(size=(inputs, rows, booster.num_feature())).astype(np.float32))
    found = runtimes(booster, threads)
    for name, run in found.items():
        for x in batches:
            np.testing.assert_allclose(run(x), booster.predict(x), rtol=1e-4, atol=1e-4, err_msg=name)
    times = {name: [] for name in found}
    for _ in range(rounds):
        for name, run in found.items():
            times[name].append(best_time(run, batches, seconds))
    return {name: statistics.median(t) for name, t in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trees", type=int, default=500)
    parser.add_argument("--leaves", type=int, default=63)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--inputs", type=int, nargs="+", default=[1, 64], help="inputs that calls take in turn (1 64)")
    a = parser.parse_args()
    booster = boosted_trees.train(a.trees, a.leaves)
    print(f"{a.trees} trees of {a.leaves} leaves, engine on {engine.isa()}")
    for threads, rows, inputs in itertools.product(a.threads, a.rows, a.inputs):
        times = compare(booster, rows, threads, inputs)
        cells = [f"{name} {t * 1e6:10.1f} us (x{t / times['engine']:.2f})" for name, t in times.items()]
        print(f"threads {threads} rows {rows:5d} inputs {inputs:3d}: " + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
