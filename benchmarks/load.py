"""Time from a file to a ready model, and peak memory after ten calls, beside ONNX Runtime.

    python benchmarks/load.py FOLDER [--models NAME ...] [--rounds 3] [--threads 2]

FOLDER has NAME/model.onnx and NAME/cases/*.npz (arrays called "in:<input>"). Each measurement is a process of its own; runtimes take
turns. Prints the best load time and the peak resident memory (ru_maxrss) of each, with the ratios.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

RUNTIMES = ("engine", "onnxruntime")


def load_engine(path, threads):
    import engine

    def load():
        model = engine.load(path, threads=threads, warmup=False)
        return model.run, getattr(model, "load_seconds", {})

    return load


def load_onnxruntime(path, threads):
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads

    def load():
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda feeds: session.run(None, feeds), {}

    return load


def measure(runtime, folder, threads):
    """In a process of its own: loads, calls ten times, prints what it took."""
    cases = sorted(Path(folder).glob("cases/*.npz"))
    feeds = {}
    if cases:
        with np.load(cases[0]) as arrays:
            feeds = {name[3:]: arrays[name] for name in arrays.files if name.startswith("in:")}
    load = {"engine": load_engine, "onnxruntime": load_onnxruntime}[runtime](str(Path(folder) / "model.onnx"), threads)
    begin = time.perf_counter()
    run, parts = load()
    seconds = time.perf_counter() - begin
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10 if feeds else 0):
        run(feeds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "loaded": loaded, "peak": peak, "parts": parts}))


def in_process(runtime, folder, threads):
    command = [sys.executable, __file__, "--measure", runtime, str(folder), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{runtime} on {folder}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(folder, rounds, threads):
    found = {runtime: [] for runtime in RUNTIMES}
    for _ in range(rounds):
        for runtime in RUNTIMES:
            found[runtime].append(in_process(runtime, folder, threads))
    best = {runtime: min(rows, key=lambda row: row["seconds"]) for runtime, rows in found.items()}
    for runtime, rows in found.items():
        best[runtime]["peak"] = max(row["peak"] for row in rows)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.measure:
        return measure(a.measure, a.folder, a.threads)
    faster, smaller = [], []
    for path in sorted(Path(a.folder).glob("*/model.onnx")):
        if a.models and path.parent.name not in a.models:
            continue
        best = compare(path.parent, a.rounds, a.threads)
        ours, theirs = (best[runtime] for runtime in RUNTIMES)
        faster.append(theirs["seconds"] / ours["seconds"])
        smaller.append(theirs["peak"] / ours["peak"])
        parts = " ".join(f"{name} {seconds * 1e3:.1f}" for name, seconds in ours["parts"].items())
        print(
            f"{path.parent.name:28s} load {ours['seconds'] * 1e3:8.1f} ms, {theirs['seconds'] * 1e3:8.1f} ms  x{faster[-1]:.2f}   "
            f"peak {ours['peak'] / 1024:6.0f} MB, {theirs['peak'] / 1024:6.0f} MB  x{smaller[-1]:.2f}   {parts}",
            flush=True,
        )
    if faster:
        mean = math.exp(sum(map(math.log, faster)) / len(faster))
        print(f"load: geometric mean x{mean:.2f}; peak memory above onnxruntime's in {sum(x < 1 for x in smaller)} of {len(smaller)}")


if __name__ == "__main__":
    main()
