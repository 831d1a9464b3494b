"""Rows of JSON lines, {"input": value, ...} each, answered as JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.errors import EngineError, InvalidInput
from engine.mapping.durable import replacing
from engine.mapping.source import Care, given_up, lines_of, told
from engine.rows import BatchCaller, Failure, fitted
from engine.rows.fitting import Array

RESULTS = "outputs.jsonl"
_BLOCK = 1 << 20

Row = Mapping[str, Array]


class Lines:
    """The lines of the files, which follow each other. Each is found by its offset."""

    kind = "line"
    suffix = ".jsonl"

    def __init__(self, paths: Sequence[str]) -> None:
        self.files = list(paths)
        self._offsets = [_offsets(path) for path in paths]
        self._ends = np.cumsum([len(offsets) - 1 for offsets in self._offsets])
        self.total = int(self._ends[-1])

    def check(self, caller: BatchCaller) -> None:
        if self.total:
            _row(self._read(0, 1)[0], caller)

    def compute(self, caller: BatchCaller, start: int, stop: int, path: str, care: Care) -> int:
        rows, failures = _rows(self._read(start, stop), start, caller)
        failures += given_up(care, start, stop)
        answered: dict[int, dict[str, Any]] = {}
        for numbers in _alike(rows):
            feeds = {name: np.stack([rows[number][name] for number in numbers]) for name in caller.infos}
            answers = caller.sparing(feeds, numbers, skip=care.given_up, one_by_one=care.one_by_one, before=care.before)
            failures += answers.failures
            for piece, outputs in answers.pieces:
                for at, number in enumerate(piece):
                    answered[number] = {name: as_json(value[at]) for name, value in outputs.items()}
        documents = [{"line": number, "outputs": outputs} for number, outputs in answered.items()]
        documents += [told("line", failure) for failure in failures if failure.row not in answered]
        with replacing(path) as file:
            file.write(lines_of(sorted(documents, key=lambda document: document["line"])))
        return stop - start - len(answered)

    def assemble(self, chunks: Sequence[str], out: str) -> list[dict[str, Any]]:
        failures: list[dict[str, Any]] = []
        with replacing(os.path.join(out, RESULTS)) as results:
            for path in chunks:
                with open(path, "rb") as chunk:
                    for line in chunk:
                        results.write(line)
                        if b'"error"' in line and "error" in (document := json.loads(line)):
                            failures.append(document)
        return failures

    def _read(self, start: int, stop: int) -> list[bytes]:
        found: list[bytes] = []
        for path, offsets, end in zip(self.files, self._offsets, self._ends.tolist(), strict=True):
            first = end - (len(offsets) - 1)
            low, high = max(0, start - first), min(len(offsets) - 1, stop - first)
            if low < high:
                with open(path, "rb") as file:
                    file.seek(offsets[low])
                    text = file.read(int(offsets[high] - offsets[low]))
                found += text.removesuffix(b"\n").split(b"\n")
        return found


def _offsets(path: str) -> Array:
    """Where each line begins, and where the last one ends."""
    starts = [np.zeros(1, np.int64)]
    size, blank = 0, True
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            found = np.flatnonzero(np.frombuffer(block, np.uint8) == 10).astype(np.int64)
            starts.append(found + 1 + size)
            size += len(block)
            blank = block.endswith(b"\n")
    offsets = np.concatenate(starts)
    return offsets if blank else np.append(offsets, size)


def _rows(lines: Sequence[bytes], start: int, caller: BatchCaller) -> tuple[dict[int, Row], list[Failure]]:
    rows: dict[int, Row] = {}
    failures = []
    for number, line in enumerate(lines, start):
        try:
            rows[number] = _row(line, caller)
        except EngineError as error:
            failures.append(Failure(number, error))
    return rows, failures


def _row(line: bytes, caller: BatchCaller) -> Row:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"this line is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise InvalidInput("a line is an object from input name to value")
    missing = [name for name in caller.infos if name not in document]
    if missing:
        raise InvalidInput(f"input {missing[0]!r} is missing in this line")
    return {name: fitted(info, document[name]) for name, info in caller.infos.items()}


def _alike(rows: Mapping[int, Row]) -> list[list[int]]:
    """Their numbers, in groups of rows whose arrays have the same shapes: those can be one batch."""
    groups: dict[Any, list[int]] = {}
    for number, row in rows.items():
        groups.setdefault(tuple(array.shape for array in row.values()), []).append(number)
    return list(groups.values())


def as_json(value: Any) -> Any:
    """Numbers, texts and lists of them; what JSON cannot say, NaN and the infinities, is None."""
    array = np.asarray(value)
    if array.dtype.kind == "V":
        array = array.astype(np.float32)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return np.where(np.isfinite(array), array, None).tolist()  # type: ignore[call-overload]
    return array.tolist()
