"""engine run: compute a model's outputs once."""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from engine.cli.feeds import UsageError, add_feed_arguments, collect
from engine.cli.load import add_load_arguments, load

HELP = "compute a model's outputs for arrays from files"
EXAMPLES = """\
  engine run model.onnx --input x=x.npy --output out.npz
  engine run model.onnx --input inputs.npz
  engine run model.onnx --random --shape x=1,3,224,224 --timeout 0.5
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_load_arguments(parser)
    add_feed_arguments(parser)
    parser.add_argument(
        "--random", action="store_true", help="random numbers for the inputs that --input does not give"
    )
    parser.add_argument("--output", metavar="FILE.npz", help="write the outputs; without it they are printed")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="deadline of the call")
    parser.add_argument("--threads", metavar="N", type=int, help="threads that the call may use (default: all)")


def execute(arguments: argparse.Namespace) -> int:
    model = load(arguments, arguments.threads)
    feeds = collect(model, arguments, random=arguments.random)
    start = time.perf_counter()
    outputs = model.run(feeds, timeout=arguments.timeout)
    milliseconds = (time.perf_counter() - start) * 1e3
    if arguments.output:
        _write(arguments.output, outputs)
    for name, value in outputs.items():
        print(f"{name}: {_describe(value)}")
        if not arguments.output:
            print(_preview(value))
    print(f"computed in {milliseconds:.3f} ms")
    return 0


def _write(path: str, outputs: dict[str, Any]) -> None:
    for name, value in outputs.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind == "O":
            raise UsageError(f"output {name!r} is {_describe(value)}, which a .npz cannot hold; run without --output")
    with open(path, "wb") as file:
        np.savez(file, **outputs)


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        dtype = "string" if value.dtype.kind == "O" else value.dtype.name
        return f"{dtype} {list(value.shape)}"
    if isinstance(value, (list, dict)):
        return f"{type(value).__name__} of {len(value)}"
    return "empty"


def _preview(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value, threshold=64, edgeitems=3, max_line_width=100, precision=6)
    text = repr(value)
    return text if len(text) <= 400 else text[:400] + " ..."
