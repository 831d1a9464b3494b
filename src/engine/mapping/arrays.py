"""Rows of .npy files, answered as one .npy for each output. A row that failed is NaN, 0 or empty there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.errors import InvalidInput
from engine.mapping import array_chunks
from engine.mapping.source import Care, given_up
from engine.mapping.stretch import Stretch
from engine.rows import BatchCaller, Failure, fitted
from engine.rows.fitting import Array


class Arrays:
    """paths: for each input of the model its files, whose rows follow each other."""

    kind = "row"
    suffix = ".npz"

    def __init__(self, paths: Mapping[str, Sequence[str]]) -> None:
        self.files = [path for group in paths.values() for path in group]
        self._arrays = {name: Stretch(group) for name, group in paths.items()}
        lengths = {name: stretch.rows for name, stretch in self._arrays.items()}
        if len(set(lengths.values())) > 1:
            raise InvalidInput("the inputs differ in rows: " + ", ".join(f"{k} has {v}" for k, v in lengths.items()))
        self.total = next(iter(lengths.values()))

    def check(self, caller: BatchCaller) -> None:
        for name, info in caller.infos.items():
            found = self._arrays[name].shape
            wanted = info.shape
            if wanted is not None and not _fits(found, wanted[1:]):
                shape = f"[{', '.join(map(str, wanted))}]"
                raise InvalidInput(f"input {name!r} is {shape}, rows first; the rows have shape {list(found)}")
            fitted(info, self._arrays[name][0:1])

    def compute(self, caller: BatchCaller, start: int, stop: int, path: str, care: Care) -> int:
        numbers, feeds, failures = self._fitting(caller, start, stop)
        answers = caller.sparing(feeds, numbers, skip=care.given_up, one_by_one=care.one_by_one, before=care.before)
        answers.failures += failures + given_up(care, start, stop)
        return array_chunks.write(path, answers)

    def _fitting(
        self, caller: BatchCaller, start: int, stop: int
    ) -> tuple[Sequence[int], dict[str, Array], list[Failure]]:
        """The rows whose numbers the model's types can hold, and the failures of the others."""
        try:
            return range(start, stop), self._feeds(caller, start, stop), []
        except InvalidInput as error:
            if stop - start == 1:
                return [], {}, [Failure(start, error)]
        middle = (start + stop) // 2
        low, high = self._fitting(caller, start, middle), self._fitting(caller, middle, stop)
        if not low[0] or not high[0]:
            return (*(high if not low[0] else low)[:2], low[2] + high[2])
        feeds = {name: np.concatenate([low[1][name], high[1][name]]) for name in caller.infos}
        return [*low[0], *high[0]], feeds, low[2] + high[2]

    def _feeds(self, caller: BatchCaller, start: int, stop: int) -> dict[str, Array]:
        return {name: fitted(info, self._arrays[name][start:stop]) for name, info in caller.infos.items()}

    def assemble(self, chunks: Sequence[str], out: str) -> list[dict[str, Any]]:
        return array_chunks.join(chunks, self.total, out)


def _fits(found: Sequence[int], wanted: Sequence[int | str | None]) -> bool:
    return len(found) == len(wanted) and all(
        not isinstance(w, int) or w == f for f, w in zip(found, wanted, strict=True)
    )
