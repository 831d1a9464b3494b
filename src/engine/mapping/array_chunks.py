"""Chunks of rows as .npz, and how they become one .npy for each output."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from engine.errors import InvalidInput
from engine.mapping.durable import replacing
from engine.mapping.names import file_name
from engine.mapping.source import told
from engine.rows import Answers, Failure
from engine.rows.fitting import Array


def write(path: str, answers: Answers) -> int:
    """Returns how many rows failed; among them are those whose outputs have another shape than the first row's."""
    pieces = [(rows, outputs) for rows, outputs in answers.pieces if _alike(rows, outputs, answers)]
    names = list(pieces[0][1]) if pieces else []
    failures = [told("row", failure) for failure in sorted(answers.failures, key=lambda failure: failure.row)]
    arrays: dict[str, Any] = {
        "names": json.dumps(names),
        "failures": json.dumps(failures),
        "rows": np.array([row for numbers, _ in pieces for row in numbers], np.int64),
    }
    for number, name in enumerate(names):
        arrays[f"output{number}"] = plain(np.concatenate([outputs[name] for _, outputs in pieces]))
    with replacing(path) as file:
        np.savez(file, **arrays)
    return len(failures)


def join(chunks: Sequence[str], total: int, out: str) -> list[dict[str, Any]]:
    """Writes the outputs of all rows into folder `out`, a chunk in memory at a time; returns the failures."""
    names: list[str] = []
    failures: list[dict[str, Any]] = []
    for path in chunks:
        with np.load(path, allow_pickle=False) as chunk:
            names = names or json.loads(str(chunk["names"]))
            failures += json.loads(str(chunk["failures"]))
    for number, name in enumerate(names):
        _join(os.path.join(out, file_name(name) + ".npy"), name, f"output{number}", chunks, total)
    return failures


def plain(array: Array) -> Array:
    """As a .npy can hold it for any reader: text of fixed width, float32 for the short floats that NumPy does not know."""
    if array.dtype.kind == "O":
        return array.astype(np.str_)
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def _alike(rows: Sequence[int], outputs: Mapping[str, Array], answers: Answers) -> bool:
    for name, first in answers.pieces[0][1].items():
        if outputs[name].shape[1:] != first.shape[1:]:
            error = InvalidInput(
                f"output {name!r} has shape {list(outputs[name].shape[1:])} for this row, {list(first.shape[1:])} for "
                "others: no one array can hold both; give the rows as JSON lines, or as .npz cases"
            )
            answers.failures += [Failure(row, error) for row in rows]
            return False
    return True


def _join(path: str, name: str, key: str, chunks: Sequence[str], total: int) -> None:
    dtype, shape = _form(name, key, chunks)
    empty = np.full(shape, np.nan if dtype.kind in "fc" else np.zeros((), dtype)[()], dtype).tobytes()
    with replacing(path) as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (total, *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        row = 0
        for first, block in _stretches(key, chunks):
            file.write(empty * (first - row))
            file.write(np.ascontiguousarray(block, dtype).tobytes())
            row = first + len(block)
        file.write(empty * (total - row))


def _stretches(key: str, chunks: Sequence[str]) -> Iterator[tuple[int, Array]]:
    """The first row of each stretch of rows that did not fail, and their values."""
    for rows, block in _blocks(key, chunks):
        for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
            if len(part):
                yield int(rows[part[0]]), block[part[0] : part[-1] + 1]


def _blocks(key: str, chunks: Sequence[str]) -> Iterator[tuple[Array, Array]]:
    for path in chunks:
        with np.load(path, allow_pickle=False) as chunk:
            if key in chunk.files:
                yield chunk["rows"], chunk[key]


def _form(name: str, key: str, chunks: Sequence[str]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The element type and the shape of a row that all chunks have."""
    dtypes, shapes = set(), set()
    for _, block in _blocks(key, chunks):
        dtypes.add(block.dtype)
        shapes.add(block.shape[1:])
    if len(shapes) > 1:
        raise InvalidInput(
            f"output {name!r} has rows of several shapes ({', '.join(map(str, sorted(shapes)))}), which no one array holds; "
            "give the rows as JSON lines, or as .npz cases"
        )
    return np.result_type(*dtypes), shapes.pop()
