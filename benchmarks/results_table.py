"""benchmarks/RESULTS.md: the zoo's latencies beside those of the other runtimes, as one run of bench_zoo.py found them."""

import datetime
import math
import os
import pathlib
import platform
import statistics
import subprocess

import engine

HERE = pathlib.Path(__file__).resolve().parent


def write(rows, path=HERE / "RESULTS.md"):
    """rows: the `zoo` entries of extra_info, each with model, threads, us by runtime, and versions."""
    path.write_text("\n".join(lines(rows)) + "\n")


def lines(rows):
    runtimes = sorted({runtime for row in rows for runtime in row["us"]} - {"engine"})
    versions = {runtime: version for row in rows for runtime, version in row["versions"].items()}
    yield "# Latency of real models"
    yield ""
    yield "Written by `make bench`. Microseconds a call, medians over rounds in which the runtimes take turns, one process each; in brackets how many"
    yield "times as long as the engine the other one takes. A dash: it does not load the model."
    yield ""
    yield f"- Machine: {processor()}, {os.cpu_count()} CPUs, {engine.isa()}; {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield "- Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    yield f"- Commit {commit()}, {datetime.date.today().isoformat()}"
    for threads in sorted({row["threads"] for row in rows}):
        chosen = [row for row in rows if row["threads"] == threads]
        yield ""
        yield f"## {threads} thread{'s' if threads > 1 else ''}"
        yield ""
        yield "| model | engine | " + " | ".join(runtimes) + " |"
        yield "|---|---:|" + "---:|" * len(runtimes)
        for row in sorted(chosen, key=lambda row: row["model"]):
            yield (
                f"| {row['model']} | {row['us']['engine']:,.1f} | "
                + " | ".join(cell(row, name) for name in runtimes)
                + " |"
            )
        yield "| **geometric mean** | | " + " | ".join(mean(chosen, name) for name in runtimes) + " |"


def cell(row, runtime):
    if runtime not in row["us"]:
        return "-"
    return f"{row['us'][runtime]:,.1f} ({row['us'][runtime] / row['us']['engine']:.2f})"


def mean(rows, runtime):
    ratios = [row["us"][runtime] / row["us"]["engine"] for row in rows if runtime in row["us"]]
    return f"{math.exp(statistics.fmean(map(math.log, ratios))):.2f}, lowest {min(ratios):.2f}" if ratios else "-"


def processor():
    names = [
        line.split(":", 1)[1].strip() for line in read("/proc/cpuinfo").splitlines() if line.startswith("model name")
    ]
    return names[0] if names else platform.processor()


def read(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


def commit():
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--abbrev=12"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
