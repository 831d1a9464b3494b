"""engine map: a model over files, on several processes, resumable."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing

import numpy as np

import engine
from engine.cli.feeds import Feeds, UsageError, check_name, split_pair
from engine.cli.load import add_load_arguments, load
from engine.cli.progress import Progress

HELP = "compute a model's outputs for every row of files, resumable"
EXAMPLES = """\
  engine map model.onnx images.npy --out answers                        answers/scores.npy, a row for each of images.npy
  engine map model.onnx ids=ids.npy mask=mask.npy --out answers --batch 64 --workers 4
  engine map model.onnx 'parts/*.npy' --out answers                     their rows follow each other
  engine map model.onnx cases/ --out answers --timeout 0.5              a folder of .npz, each all inputs of a call
  engine map model.onnx texts.jsonl --out answers                       {"text": "..."} each line; answers/outputs.jsonl

  After whatever ended it (a signal, SIGKILL, a power cut), the same command goes on where it was: nothing is lost, and nothing
  is there twice. With another model or other inputs it refuses the folder. What failed is listed in answers/errors.jsonl, and
  the exit code is 1 then; a failed row is NaN, 0 or empty in the .npy files.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_load_arguments(parser)
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="+",
        help="a .npy (rows along axis 0), .npz (a case) or .jsonl file, a folder or a pattern of them; NAME=FILE.npy for one "
        "of several inputs",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FOLDER", required=True, help="where the results go; the job's own folder")
    parser.add_argument("--batch", metavar="ROWS", type=int, help="rows a call (default: as the model says, or 32)")
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--threads", metavar="N", type=int, help="threads of each (default: the CPUs by workers)")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="deadline of each call")
    parser.add_argument(
        "--output", metavar="NAME", action="append", help="an output that is wanted; may be repeated (default: all)"
    )
    parser.add_argument(
        "--constant", metavar="NAME=FILE.npy", action="append", default=[], help="an input that all rows share"
    )
    parser.add_argument(
        "--chunk", metavar="ROWS", type=int,
        help="rows, or cases, that are written together, and lost together by a kill (default: 16 batches, or 16 cases)",
    )  # fmt: skip


def execute(arguments: argparse.Namespace) -> int:
    from engine.mapping import map_files

    if arguments.workers < 1 or (arguments.chunk or 1) < 1 or (arguments.batch or 1) < 1:
        raise UsageError("--workers, --chunk and --batch are at least 1")
    threads = arguments.threads or max(1, engine.cpus() // arguments.workers)
    model = load(arguments, threads, hash_files=True)
    shown = _Shown()
    with closing(shown):
        try:
            report = map_files(
                model,
                arguments.inputs,
                arguments.out,
                batch=arguments.batch,
                chunk=arguments.chunk,
                workers=arguments.workers,
                timeout=arguments.timeout,
                outputs=arguments.output,
                constants=_constants(model, arguments.constant),
                progress=shown.update,
            )
        except KeyboardInterrupt:
            shown.close()
            print(f"engine: interrupted; the same command goes on in {arguments.out}", file=sys.stderr)
            raise
    speed = f", {report.computed / report.seconds:,.0f} a second" if report.computed else ""
    before = report.total - report.computed
    again = f", {before:,} of them before" if before else ""
    print(
        f"{report.out}: {report.total:,} {report.kind}s{again}, {report.failed:,} failed, {report.seconds:.1f} s{speed}"
    )
    return 1 if report.failed else 0


def _constants(model: engine.Model, texts: list[str]) -> Feeds:
    found: Feeds = {}
    for text in texts:
        name, path = split_pair(text, "--constant")
        check_name(model, name, "--constant")
        found[name] = np.load(path, allow_pickle=False)
    return found


class _Shown:
    """The progress bar, with the speed of this run and the time that is left."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._began = time.monotonic()
        self._before = 0

    def update(self, done: int, total: int, failed: int) -> None:
        if self._bar is None:
            self._began, self._before = time.monotonic(), done
            self._bar = Progress(total, "map")
        speed = (done - self._before) / max(1e-9, time.monotonic() - self._began)
        label = f"{speed:,.0f} a second" + (f", {(total - done) / speed:,.0f} s left" if speed and done < total else "")
        self._bar.advance(label + (f", {failed:,} failed" if failed else ""), done - self._bar.done)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
