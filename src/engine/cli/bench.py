"""engine bench: latency and throughput of a model, beside another runtime where one is named."""

from __future__ import annotations

import argparse
import json
import os
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import engine
from engine._core import machine_peak
from engine.cli.feeds import UsageError, add_feed_arguments, collect
from engine.cli.load import add_load_arguments, load
from engine.cli.profile import as_json, as_table, fastest_run, seconds
from engine.cli.progress import Progress
from engine.cli.rounds import Measurement, Runner, measure

if TYPE_CHECKING:
    from engine._core import MachinePeak, StepProfile

HELP = "measure a model's latency and throughput"
EXAMPLES = """\
  engine bench model.onnx --shape x=1,3,224,224
  engine bench model.onnx --threads 1 2 --concurrency 1 2 4 --seconds 5
  engine bench model.onnx --threads 1 --versus onnxruntime --json
  engine bench model.onnx --shape x=1,3,224,224 --profile    each step beside what the machine reaches
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_load_arguments(parser)
    add_feed_arguments(parser)
    parser.add_argument(
        "--threads", metavar="N", type=int, nargs="+", help="threads that one call may use (default: all)"
    )
    parser.add_argument(
        "--concurrency", metavar="N", type=int, nargs="+", default=[1], help="callers at once (default: 1)"
    )
    parser.add_argument("--seconds", metavar="S", type=float, default=2.0, help="for each measurement (default: 2)")
    parser.add_argument("--versus", choices=("onnxruntime",), help="measure this runtime too, in turns")
    parser.add_argument(
        "--profile",
        action="store_true",
        help="show what each step takes, beside what the machine reaches in the same run",
    )
    parser.add_argument(
        "--order",
        choices=("time", "plan"),
        default="time",
        help="of --profile's steps: the slowest first (default), or as they run",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> int:
    threads = arguments.threads or [engine.cpus()]
    if min(arguments.concurrency) < 1 or min(threads) < 1 or not 0 < arguments.seconds <= 3600:
        raise UsageError("--threads and --concurrency are at least 1, --seconds above 0 and at most 3600")
    if arguments.profile:
        return _profile(arguments, threads)
    results = []
    with closing(Progress(len(threads) * len(arguments.concurrency), "bench")) as progress:
        for n in threads:
            runners = _runners(arguments, n)
            for callers in arguments.concurrency:
                progress.advance(f"threads {n}, concurrency {callers}")
                results.append((n, callers, measure(runners, callers, arguments.seconds)))
    print(json.dumps(_as_json(arguments, results), indent=2) if arguments.json else _as_table(results))
    return 0


def _profile(arguments: argparse.Namespace, threads: list[int]) -> int:
    """The fastest run within --seconds for each number of threads."""
    found: list[tuple[MachinePeak, list[StepProfile]]] = []
    for n in threads:
        model = load(arguments, n)
        feeds = collect(model, arguments, random=True)
        peak = machine_peak(n)
        begin = time.perf_counter()
        best = fastest_run(model, feeds, 1)
        while time.perf_counter() - begin < arguments.seconds:
            best = min(best, model.profile_steps(feeds)[1], key=seconds)
        found.append((peak, best))
    if arguments.json:
        print(json.dumps({**_head(arguments), "profiles": [as_json(*each) for each in found]}, indent=2))
    else:
        print("\n".join(line for peak, steps in found for line in as_table(peak, steps, arguments.order)))
    return 0


def _runners(arguments: argparse.Namespace, threads: int) -> dict[str, Runner]:
    model = load(arguments, threads)
    feeds = collect(model, arguments, random=True)
    runners: dict[str, Runner] = {"engine": lambda: model.run(feeds)}
    if arguments.versus:
        runners["onnxruntime"] = _onnxruntime(arguments.model, feeds, threads)
    return runners


def _onnxruntime(path: str, feeds: dict[str, Any], threads: int) -> Runner:
    try:
        import onnxruntime
    except ImportError:
        raise UsageError("--versus onnxruntime: onnxruntime is not installed") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, feeds)


Results = list[tuple[int, int, dict[str, Measurement]]]


def _head(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"model": arguments.model, "engine": engine.__version__, "isa": engine.isa()}


def _as_json(arguments: argparse.Namespace, results: Results) -> dict[str, Any]:
    return {
        **_head(arguments),
        "results": [
            {"threads": n, "concurrency": callers, **{name: m.as_dict() for name, m in measured.items()}}
            for n, callers, measured in results
        ],
    }


def _as_table(results: Results) -> str:
    lines = [
        f"{'threads':>7} {'callers':>7}  {'runtime':<12} {'p50 us':>11} {'p90 us':>11} {'p99 us':>11} {'calls/s':>11}"
    ]
    for n, callers, measured in results:
        for name, m in measured.items():
            p50, p90, p99 = (f"{v * 1e6:11.1f}" for v in (m.p50, m.p90, m.p99))
            lines.append(f"{n:7} {callers:7}  {name:<12} {p50} {p90} {p99} {m.throughput:11.1f}")
        if len(measured) == 2:
            ours, theirs = measured.values()
            lines.append(f"{'':16} engine is {theirs.p50 / ours.p50:.2f} times as fast (p50)")
    return "\n".join(lines)
