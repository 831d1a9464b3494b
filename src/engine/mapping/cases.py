"""Cases: each .npz holds all inputs of one call, and is answered by a .npz of the same name."""

from __future__ import annotations

import json
import os
import zipfile
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.errors import EngineError, InvalidInput
from engine.mapping.durable import replacing, sync_folder
from engine.mapping.source import Care, given_up, told
from engine.rows import BatchCaller, Failure, fitted


class Cases:
    """paths: of .npz files, with different names."""

    kind = "case"
    suffix = ".json"

    def __init__(self, paths: Sequence[str]) -> None:
        self.files = list(paths)
        self.total = len(paths)
        name, count = Counter(map(os.path.basename, paths)).most_common(1)[0]
        if count > 1:
            raise InvalidInput(f"{count} inputs are called {name}: their answers would be too")

    def check(self, caller: BatchCaller) -> None:
        pass

    def compute(self, caller: BatchCaller, start: int, stop: int, path: str, care: Care) -> int:
        failures = given_up(care, start, stop)
        for number in range(start, stop):
            if number in care.given_up:
                continue
            if care.before is not None:
                care.before(number)
            try:
                outputs = _call(caller, self.files[number])
            except EngineError as error:
                failures.append(Failure(number, error))
                continue
            with replacing(os.path.join(os.path.dirname(path), _answer(number))) as file:
                np.savez(file, **outputs)
        documents = [
            told("case", failure, file=self.files[failure.row])
            for failure in sorted(failures, key=lambda failure: failure.row)
        ]
        with replacing(path) as file:
            file.write(json.dumps(documents).encode())
        return len(failures)

    def assemble(self, chunks: Sequence[str], out: str) -> list[dict[str, Any]]:
        failures: list[dict[str, Any]] = []
        for path in chunks:
            with open(path, "rb") as file:
                failures += json.load(file)
        failed = {failure["case"] for failure in failures}
        work = os.path.dirname(chunks[0]) if chunks else out
        for number, path in enumerate(self.files):
            answer = os.path.join(work, _answer(number))
            if number not in failed and os.path.exists(answer):  # else it was moved before
                os.replace(answer, os.path.join(out, os.path.basename(path)))
        sync_folder(out)
        return failures


def _answer(number: int) -> str:
    return f"case-{number:09d}.npz"


def _call(caller: BatchCaller, path: str) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in caller.infos if name not in archive.files]
            if missing:
                raise InvalidInput(f"{path} has no array {missing[0]!r}")
            feeds = {name: fitted(info, archive[name]) for name, info in caller.infos.items()}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, EngineError):
            raise
        raise InvalidInput(f"{path} cannot be read: {error}") from None
    outputs = caller.patiently({**feeds, **caller.constants})
    for name, value in outputs.items():
        if not isinstance(value, np.ndarray):
            raise InvalidInput(f"output {name!r} is {type(value).__name__}, which a .npz cannot hold")
    return {name: value.astype(np.str_) if value.dtype.kind == "O" else value for name, value in outputs.items()}
