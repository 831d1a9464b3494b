"""engine inspect: what is in a model, and what the engine makes of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import engine
from engine.cli.feeds import Feeds, UsageError, add_feed_arguments, collect
from engine.cli.load import add_load_arguments, load
from engine.cli.profile import by_operator, fastest_run, seconds

HELP = "show a model's inputs, outputs, operators, memory and plan"
EXAMPLES = """\
  engine inspect model.onnx
  engine inspect model.onnx --shape x=1,3,224,224            and the plan for this shape
  engine inspect model.onnx --profile --shape x=1,3,224,224  and the time of each step
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_load_arguments(parser)
    add_feed_arguments(parser)
    parser.add_argument("--plan", action="store_true", help="show the plan (implied by --shape, --input and --profile)")
    parser.add_argument("--profile", action="store_true", help="run, and show the time of each step and operator")
    parser.add_argument(
        "--runs", metavar="N", type=int, default=5, help="runs of --profile; the fastest counts (default: 5)"
    )
    parser.add_argument("--threads", metavar="N", type=int, help="threads that one call may use (default: all)")


def execute(arguments: argparse.Namespace) -> int:
    if arguments.runs < 1:
        raise UsageError(f"--runs {arguments.runs}: at least 1 is wanted")
    model = load(arguments, arguments.threads)
    print("\n".join(_facts(model)))
    if arguments.plan or arguments.profile or arguments.shape or arguments.input:
        feeds = collect(model, arguments, random=True)
        print("\n".join(_plan(model, feeds)))
        if arguments.profile:
            print("\n".join(_profile(model, feeds, arguments.runs)))
        else:
            print(model.plan(feeds)["text"], end="")
    print("\n".join(_memory(model)))
    return 0


def _facts(model: engine.Model) -> Iterator[str]:
    yield f"digest      {model.digest}"
    yield f"producer    {model.producer or 'not named'}"
    yield "opsets      " + ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in model.opsets.items())
    yield f"parameters  {model.parameters:,}"
    for title, infos in (("inputs", model.inputs), ("outputs", model.outputs)):
        for i, info in enumerate(infos):
            yield f"{title if i == 0 else '':10}  {info.name}: {info.dtype} {_shape(info)}"
    counts = sorted(model.operators.items(), key=lambda item: (-item[1], item[0]))
    yield f"operators   {sum(model.operators.values())}: " + ", ".join(f"{n} {name}" for name, n in counts)
    for operator in engine.registered():
        if operator.full_name in model.operators:
            yield f"registered  {operator.full_name} from version {operator.since} on, by {operator.source}"
    for key, value in model.metadata.items():
        yield f"metadata    {key}: {value if len(value) <= 100 else value[:100] + ' ...'}"
    phases = model.load_seconds
    yield f"loaded in   {sum(phases.values()) * 1e3:.1f} ms: " + ", ".join(
        f"{k} {v * 1e3:.1f}" for k, v in phases.items()
    )
    yield f"computes on {engine.isa()}, {model.threads} threads a call"


def _shape(info: engine.TensorInfo) -> str:
    if info.shape is None:
        return ""
    return "[" + ", ".join("?" if d is None else str(d) for d in info.shape) + "]"


def _memory(model: engine.Model) -> Iterator[str]:
    memory = model.memory
    yield f"memory      constants {memory['constants']:,}, packed {memory['packed']:,}, peak {memory['peak']:,} bytes"


def _plan(model: engine.Model, feeds: Feeds) -> Iterator[str]:
    plan = model.plan(feeds)
    shapes = ", ".join(f"{name} {list(getattr(value, 'shape', ()))}" for name, value in feeds.items())
    yield f"plan        {plan['steps']} steps for {shapes or 'no inputs'}"
    yield f"arena       {plan['arena_bytes']:,} bytes, scratch {plan['scratch_bytes']:,}"


def _profile(model: engine.Model, feeds: Feeds, runs: int) -> Iterator[str]:
    """The fastest of `runs` runs, the slowest step first, then the same by operator."""
    steps = fastest_run(model, feeds, runs)
    total = seconds(steps) or 1.0
    yield f"steps       {total * 1e6:.1f} us in all, the slowest first (time, share, step)"
    for step in sorted(steps, key=lambda step: -step["seconds"]):
        text = f"{step['operator']:<28} {step['node']:<40} {step['outputs']}".rstrip()
        yield f"{step['seconds'] * 1e6:10.1f} us {step['seconds'] / total:6.1%}  {text}"
    yield "operators   (time, share, operator, steps)"
    for name, time, count in by_operator(steps):
        yield f"{time * 1e6:10.1f} us {time / total:6.1%}  {name} {count}"
