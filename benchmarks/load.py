"""Time from a file to a ready model, and peak memory after ten calls, beside ONNX Runtime.

    python benchmarks/load.py FOLDER [--models NAME ...] [--rounds 3] [--threads 2] [--json FILE]

FOLDER has NAME/model.onnx and NAME/cases/*.npz (arrays called "in:<input>"). Each measurement is a process of its own; runtimes take
turns. Load: engine.load until ready, warm-up included, beside onnxruntime.InferenceSession, both with their defaults but for the
threads; the best of the rounds. Memory: the peak of resident memory (VmHWM) after the load and ten calls of the first case, above
what was resident after the imports; the largest of the rounds. Files come from the system's cache after the first round.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

RUNTIMES = ("engine", "onnxruntime")
CALLS = 10


def load_engine(path, threads):
    import engine

    def load():
        model = engine.load(path, threads=threads)
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


def resident():
    """Bytes resident now, and at most since the last forget_peak."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(lines[key].split()[0]) << 10 for key in ("VmRSS", "VmHWM"))


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def first_case(folder):
    for path in sorted(Path(folder).glob("cases/*.npz")):
        with np.load(path) as arrays:
            return {name[3:]: arrays[name] for name in arrays.files if name.startswith("in:")}
    return {}


def measure(runtime, folder, threads):
    """In a process of its own: loads, calls ten times, prints what it took."""
    feeds = first_case(folder)
    load = {"engine": load_engine, "onnxruntime": load_onnxruntime}[runtime](str(Path(folder) / "model.onnx"), threads)
    forget_peak()
    base = resident()[0]
    begin = time.perf_counter()
    run, parts = load()
    seconds = time.perf_counter() - begin
    loaded, load_peak = resident()
    for _ in range(CALLS if feeds else 0):
        run(feeds)
    after, peak = resident()
    sizes = {"loaded": loaded, "load_peak": load_peak, "after": after, "peak": peak}
    print(json.dumps({"seconds": seconds, "parts": parts} | {name: size - base for name, size in sizes.items()}))


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
        for size in ("loaded", "load_peak", "after", "peak"):
            best[runtime][size] = max(row[size] for row in rows)
    return best


def line(name, ours, theirs):
    def mb(row):
        return " ".join(f"{row[size] / 2**20:7.1f}" for size in ("load_peak", "after", "peak"))

    parts = " ".join(f"{part} {seconds * 1e3:.1f}" for part, seconds in ours["parts"].items())
    times = f"{ours['seconds'] * 1e3:8.1f} {theirs['seconds'] * 1e3:8.1f} {ours['seconds'] / theirs['seconds']:5.2f}"
    return f"{name:26s} {times} | {mb(ours)} | {mb(theirs)} | {ours['peak'] / theirs['peak']:5.2f} | {parts}"


def geometric_mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def summary(found):
    load = {name: best["engine"]["seconds"] / best["onnxruntime"]["seconds"] for name, best in found.items()}
    peak = {name: best["engine"]["peak"] / best["onnxruntime"]["peak"] for name, best in found.items()}
    yield f"load: {geometric_mean(list(load.values())):.3f} of ONNX Runtime's (geometric mean of {len(load)})"
    yield f"peak memory: {geometric_mean(list(peak.values())):.3f} of ONNX Runtime's"
    for title, ratios, bar in (("load above half", load, 0.5), ("peak memory above", peak, 1)):
        yield f"{title}: " + (", ".join(f"{name} {x:.2f}" for name, x in ratios.items() if x > bar) or "none")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write all that was measured")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.measure:
        return measure(a.measure, a.folder, a.threads)
    found = {}
    print(
        f"{'':26s} load ms: engine, ort, ratio | MB: at load, after calls, peak; the same of ort; ratio of the peaks | parts of the load, ms"
    )
    for path in sorted(Path(a.folder).glob("*/model.onnx")):
        name = path.parent.name
        if a.models and name not in a.models:
            continue
        best = found[name] = compare(path.parent, a.rounds, a.threads)
        print(line(name, *(best[runtime] for runtime in RUNTIMES)), flush=True)
    if found:
        print("\n".join(summary(found)))
    if a.json:
        Path(a.json).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
