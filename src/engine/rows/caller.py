"""A model called on many rows: in batches of a size that it takes, patient under overload, sparing the rows beside one that fails."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine._core import TensorInfo
from engine.errors import (
    DeadlineExceeded,
    EngineError,
    InternalError,
    InvalidInput,
    MemoryLimitExceeded,
    Overloaded,
)
from engine.model import Model
from engine.rows.fitting import Array, fitted

BATCH = 32
PATIENCE = 60.0
SHORTEST_WAIT = 0.001

# What may be the fault of a row, or of too many at once; the rest is the model's or the program's.
OF_ROWS = (InvalidInput, DeadlineExceeded, MemoryLimitExceeded, InternalError)


class NotByRow(InvalidInput):
    """An output is no tensor whose axis 0 are the rows: it is the model that does not fit, not a row."""


Feeds = Mapping[str, Array]
Outputs = dict[str, Array]


class Failure(NamedTuple):
    row: int
    error: EngineError


@dataclass
class Answers:
    """pieces: (numbers of rows, their outputs), in order. failures: of the rows that are in no piece."""

    pieces: list[tuple[Sequence[int], Outputs]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class BatchCaller:
    """Calls a model on rows, which lie along axis 0 of every input and every output.

    batch: rows a call; None: what the model's inputs fix, else 32. A model that fixes them gets the last batch filled up with
        copies of its last row.
    timeout: seconds for each call. patience: seconds for which a call that is refused as Overloaded is tried again.
    outputs: names; None: all. constants: inputs that are the same for every row, given whole.
    by_row: False: only for `patiently`, whose inputs may have any shape.
    """

    def __init__(
        self,
        model: Model,
        *,
        batch: int | None = None,
        timeout: float | None = None,
        outputs: Iterable[str] | None = None,
        constants: Mapping[str, Any] | None = None,
        patience: float = PATIENCE,
        by_row: bool = True,
    ) -> None:
        self.model = model
        self.timeout = timeout
        self.outputs = None if outputs is None else list(outputs)
        _known("output", self.outputs or [], model.output_names)
        infos = {info.name: info for info in model.inputs}
        _known("input", constants or {}, infos)
        self.constants = {name: fitted(infos[name], value) for name, value in (constants or {}).items()}
        self.patience = patience
        self.infos = {info.name: info for info in model.inputs if info.name not in self.constants}
        fixed = _fixed_batch(self.infos.values()) if by_row else 1
        if batch is not None and (batch < 1 or fixed not in (None, batch)):
            wanted = "at least 1" if fixed is None else f"{fixed}, which the model fixes,"
            raise InvalidInput(f"batch is {batch}; {wanted} is wanted")
        self.size = fixed or batch or BATCH
        self._fills_up = fixed is not None
        if by_row:
            _check_outputs([info for info in model.outputs if info.name in (self.outputs or model.output_names)], fixed)

    def in_batches(self, feeds: Feeds, rows: int, named: Callable[[int, int], str] | None = None) -> Iterator[Outputs]:
        """The outputs of each batch. An error says whose it is: named(first, last + 1), or "rows 0 to 31"."""
        for start in range(0, rows, self.size):
            stop = min(rows, start + self.size)
            try:
                yield self.call(_rows_of(feeds, start, stop), stop - start)
            except EngineError as error:
                raise _of_rows(error, (named or _numbers)(start, stop)) from error

    def sparing(
        self,
        feeds: Feeds,
        numbers: Sequence[int],
        *,
        skip: Collection[int] = (),
        one_by_one: bool = False,
        before: Callable[[int], None] | None = None,
    ) -> Answers:
        """All rows. A batch that fails is halved until the rows that fail alone are found.

        numbers: how the rows are called. skip: numbers of rows to leave out, with one_by_one. before: called before each call with
        the number of its first row.
        """
        answers = Answers()
        step = 1 if one_by_one else self.size
        for start in range(0, len(numbers), step):
            if not (one_by_one and numbers[start] in skip):
                self._spare(feeds, numbers, slice(start, min(len(numbers), start + step)), before, answers)
        return answers

    def _spare(
        self,
        feeds: Feeds,
        numbers: Sequence[int],
        rows: slice,
        before: Callable[[int], None] | None,
        answers: Answers,
    ) -> None:
        if before is not None:
            before(numbers[rows.start])
        try:
            answers.pieces.append(
                (numbers[rows], self.call(_rows_of(feeds, rows.start, rows.stop), rows.stop - rows.start))
            )
        except NotByRow:
            raise
        except OF_ROWS as error:
            if rows.stop - rows.start == 1:
                answers.failures.append(Failure(numbers[rows.start], error))
                return
            middle = (rows.start + rows.stop) // 2
            self._spare(feeds, numbers, slice(rows.start, middle), before, answers)
            self._spare(feeds, numbers, slice(middle, rows.stop), before, answers)

    def call(self, feeds: Feeds, rows: int) -> Outputs:
        """One call with at most `size` rows."""
        missing = self.size - rows if self._fills_up else 0
        if missing:
            feeds = {name: _filled_up(value, missing) for name, value in feeds.items()}
        answer = self.patiently({**feeds, **self.constants})
        return {name: _by_row(name, value, rows, rows + missing) for name, value in answer.items()}

    def of_no_rows(self) -> Outputs:
        """The outputs' types and shapes, with no rows: computed on zeros."""
        rows = self.size if self._fills_up else 1
        feeds = {name: _zeros(info, rows) for name, info in self.infos.items()}
        answer = self.model.run({**feeds, **self.constants}, outputs=self.outputs)
        return {name: _by_row(name, value, 0, rows) for name, value in answer.items()}

    def patiently(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """One call of the model with these inputs, whatever their shapes."""
        end = time.monotonic() + self.patience
        while True:
            try:
                return self.model.run(feeds, timeout=self.timeout, outputs=self.outputs)
            except Overloaded as error:
                wait = max(error.retry_after, SHORTEST_WAIT) * random.uniform(1.0, 1.5)
                if time.monotonic() + wait > end:
                    raise
            time.sleep(wait)


def _known(what: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise InvalidInput(f"the model has no {what} {name!r}; it has {', '.join(known)}")


def _fixed_batch(infos: Iterable[TensorInfo]) -> int | None:
    sizes = {info.name: info.shape[0] for info in infos if info.shape and isinstance(info.shape[0], int)}
    scalars = [info.name for info in infos if info.shape == ()]
    if scalars or len(set(sizes.values())) > 1:
        found = "no rows" if scalars else " and ".join(map(str, sorted(set(sizes.values()))))
        name = scalars[0] if scalars else min(sizes, key=lambda key: sizes[key])
        raise InvalidInput(f"input {name!r} is not by row: the model's inputs have {found}; give it as a constant")
    return next(iter(sizes.values()), None) or None


def _rows_of(feeds: Feeds, start: int, stop: int) -> dict[str, Array]:
    return {name: value[start:stop] for name, value in feeds.items()}


def _filled_up(value: Array, missing: int) -> Array:
    return np.concatenate([value, np.repeat(value[-1:], missing, axis=0)])


def _zeros(info: TensorInfo, rows: int) -> Array:
    shape = [dim if isinstance(dim, int) else 1 for dim in (info.shape or (rows,))[1:]]
    return np.full((rows, *shape), "", object) if info.dtype == "string" else np.zeros((rows, *shape), info.dtype)


def _check_outputs(infos: Iterable[TensorInfo], fixed: int | None) -> None:
    for info in infos:
        if "(" in info.dtype:
            raise NotByRow(f"output {info.name!r} is {info.dtype}, no tensor: name the outputs that are wanted")
        if info.shape == () or (info.shape and isinstance(info.shape[0], int) and info.shape[0] != fixed):
            raise NotByRow(f"output {info.name!r} is {list(info.shape)}: its axis 0 are not the rows")


def _by_row(name: str, value: Any, rows: int, computed: int) -> Array:
    if value.ndim == 0 or value.shape[0] != computed:
        raise NotByRow(
            f"output {name!r} has shape {list(value.shape)} for {computed} rows: its axis 0 are not the rows"
        )
    found: Array = value[:rows]
    return found


def _numbers(start: int, stop: int) -> str:
    return f"row {start}" if stop - start == 1 else f"rows {start} to {stop - 1}"


def _of_rows(error: EngineError, rows: str) -> EngineError:
    """The same error, which says whose it is."""
    named = type(error)(f"{rows}: {error}")
    vars(named).update(vars(error))
    return named
