"""A job from its beginning, or from where it was left, to its end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import InvalidInput
from engine.mapping.inputs import open_inputs
from engine.mapping.job import Job
from engine.mapping.lock import locked
from engine.mapping.source import Source
from engine.mapping.workers import Workers
from engine.model import Model
from engine.rows import BatchCaller

BATCHES_A_CHUNK = 16

# (items done, items in all, failures seen in this run)
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Report:
    """kind: "row", "line" or "case". computed: items of this run; the others were done before. failed: of all."""

    out: str
    kind: str
    total: int
    computed: int
    failed: int
    seconds: float


def map_files(
    model: Model,
    inputs: Sequence[str],
    out: str | os.PathLike[str],
    *,
    batch: int | None = None,
    chunk: int | None = None,
    workers: int = 1,
    timeout: float | None = None,
    outputs: Iterable[str] | None = None,
    constants: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run a model over files; the same call again, after whatever ended it, goes on where it was.

    inputs: files, folders and patterns, with NAME= before them for one of several inputs. .npy: rows along axis 0, mapped; .npz: all
        inputs of one call; .jsonl: {"input": value} of a row each line.
    out: a folder of the job's own. Results: a .npy for each output; a .npz for each .npz; outputs.jsonl. errors.jsonl lists what failed.
    batch: rows a call; None: what the model fixes, else 32. chunk: items that are done together or not at all; None: 16 batches, or
        16 cases.
    workers: processes. On Linux they are forked and share the model's memory. timeout: seconds for each call.
    outputs: names; None: all. constants: inputs that are the same for every row.
    progress: called now and then, in this thread.

    Raises InvalidInput (the files do not fit the model, `out` holds another job), FileNotFound, OSError (a full disk).
    """
    if workers < 1 or (chunk is not None and chunk < 1):
        raise InvalidInput(f"workers is {workers}, chunk is {chunk}; at least 1 is wanted")
    began = time.monotonic()
    source = open_inputs(inputs, [name for name in model.input_names if name not in (constants or {})])
    by_row = source.kind != "case"
    caller = _caller(model, by_row, batch=batch, timeout=timeout, outputs=outputs, constants=constants)
    folder = os.path.abspath(out)
    with locked(folder) as lock:
        source.check(caller)
        job = Job(folder, source, caller, chunk, BATCHES_A_CHUNK * caller.size if by_row else BATCHES_A_CHUNK)
        computed = 0
        if not job.finished:
            computed = _compute(job, source, caller, workers, lock, progress or (lambda done, total, failed: None))
            job.finish()
        job.tidy()
    return Report(folder, source.kind, source.total, computed, job.failed, time.monotonic() - began)


def _compute(job: Job, source: Source, caller: BatchCaller, workers: int, lock: int | None, progress: Progress) -> int:
    missing = job.missing()
    left = sum(stop - start for start, stop in map(job.bounds, missing))
    before = done = source.total - left
    failed = 0
    progress(done, source.total, failed)

    def count(number: int, failures: int) -> None:
        nonlocal done, failed
        start, stop = job.bounds(number)
        done, failed = done + stop - start, failed + failures
        progress(done, source.total, failed)

    Workers(min(workers, len(missing) or 1), job, source, caller, lock).run(missing, count)
    return done - before


def _caller(model: Model, by_row: bool, **options: Any) -> BatchCaller:
    if not by_row and options.pop("batch") is not None:
        raise InvalidInput("batch is for rows; a .npz is one call, whatever it holds")
    return BatchCaller(model, by_row=by_row, **options)
