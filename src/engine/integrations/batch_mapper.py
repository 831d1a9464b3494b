"""A model as a function from tables to tables."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from engine import events
from engine.errors import InvalidInput
from engine.integrations.tables import Table, column, length, with_columns
from engine.model import Model, load
from engine.rows import Answers, BatchCaller, fitted
from engine.rows.caller import PATIENCE, Outputs
from engine.source import Source


class BatchMapper:
    """Called with a table, a dict of arrays or a pandas DataFrame, returns it with the model's outputs as further columns.

    model: what load takes, with its options in `load_options`; or a Model. The mapper pickles as the model does: as where it came
        from, its digest and its options; in a process where it arrives it is opened once.
    inputs: {input: column}; None: each input is the column of its name. outputs: {output: column}, or names of outputs; None: all.
    batch: rows a call; None: what the model fixes, else 32. A table may have any number of rows.
    timeout: seconds for each call. patience: seconds for which a call that is refused as Overloaded is tried again.
    constants: inputs that are the same for every row. keep: columns to keep; None: all.
    errors: a column for what went wrong with a row, "" where nothing did; its outputs are NaN, 0 or empty then. None: the first error
        is raised, and says which rows it is of: by their place in the table, or by their values in column `row_id`.
    """

    def __init__(
        self,
        model: Model | Source,
        *,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | Iterable[str] | None = None,
        batch: int | None = None,
        timeout: float | None = None,
        patience: float = PATIENCE,
        constants: Mapping[str, Any] | None = None,
        keep: Iterable[str] | None = None,
        errors: str | None = None,
        row_id: str | None = None,
        **load_options: Any,
    ) -> None:
        if isinstance(model, Model):
            if load_options:
                raise TypeError(f"the model is loaded already; {min(load_options)!r} is an option of loading it")
        else:
            model = load(model, **load_options)
        names = None if outputs is None else list(outputs)
        self._caller = BatchCaller(
            model, batch=batch, timeout=timeout, outputs=names, constants=constants, patience=patience
        )
        self._inputs = {name: name for name in self._caller.infos} if inputs is None else dict(inputs)
        _same_names(self._inputs, self._caller.infos)
        self._outputs = dict(outputs) if isinstance(outputs, Mapping) else {}
        self._keep = None if keep is None else list(keep)
        self._errors, self._row_id = errors, row_id

    @property
    def model(self) -> Model:
        return self._caller.model

    def __call__(self, table: Table) -> Table:
        began = time.monotonic()
        rows = length(table)
        failed = 0
        if not rows:
            outputs = self._caller.of_no_rows()
            errors = np.zeros(0, object)
        else:
            outputs, errors = self._computed(table, rows)
            failed = int(np.count_nonzero(errors))
        self._tell(rows, failed, time.monotonic() - began)
        new = {self._outputs.get(name, name): value for name, value in outputs.items()}
        if self._errors is not None:
            new[self._errors] = errors
        return with_columns(table, self._keep, new)

    def _computed(self, table: Table, rows: int) -> tuple[Outputs, Any]:
        """The outputs of all rows, and an array of texts: what went wrong with each."""
        infos = self._caller.infos
        feeds = {name: fitted(infos[name], column(table, place)) for name, place in self._inputs.items()}
        errors = np.full(rows, "", object)
        if self._errors is None:
            pieces = list(self._caller.in_batches(feeds, rows, self._named(table)))
            return {name: _joined([piece[name] for piece in pieces]) for name in pieces[0]}, errors
        answers = self._caller.sparing(feeds, range(rows))
        for failure in answers.failures:
            errors[failure.row] = f"{type(failure.error).__name__}: {failure.error}"
        return _whole(answers, rows, self._caller.of_no_rows), errors

    def _named(self, table: Table) -> Any:
        if self._row_id is None:
            return None
        values = column(table, self._row_id)

        def named(start: int, stop: int) -> str:
            last = f" to {values[stop - 1]!s}" if stop - start > 1 else ""
            return f"{self._row_id} {values[start]!s}{last}"

        return named

    def _tell(self, rows: int, failed: int, seconds: float) -> None:
        """Of a table that is done."""
        name = self.model.name
        events.emit(
            events.DEBUG,
            "rows_mapped",
            f"model {name!r}: {rows} rows in {seconds:.3f} s, {failed} failed",
            model=name,
            rows=rows,
            failed=failed,
            seconds=seconds,
        )


def _same_names(given: Iterable[str], wanted: Iterable[str]) -> None:
    given, wanted = set(given), set(wanted)
    if given != wanted:
        off = min(given ^ wanted)
        what = "has no input" if off in given else "wants a column for input"
        raise InvalidInput(f"the model {what} {off!r}; its inputs are {', '.join(sorted(wanted))}")


def _joined(pieces: list[Any]) -> Any:
    shapes = {piece.shape[1:] for piece in pieces}
    if len(shapes) == 1:
        return np.concatenate(pieces)
    joined = np.empty(sum(map(len, pieces)), object)
    joined[:] = [row for piece in pieces for row in piece]
    return joined


def _whole(answers: Answers, rows: int, of_no_rows: Any) -> Outputs:
    """All rows in one array for each output; those that failed are NaN, 0 or empty."""
    like = answers.pieces[0][1] if answers.pieces else of_no_rows()
    found = {}
    for name, first in like.items():
        fill = np.nan if first.dtype.kind in "fc" else "" if first.dtype.kind in "OU" else 0
        whole = np.full((rows, *first.shape[1:]), fill, object if first.dtype.kind in "OU" else first.dtype)
        for numbers, outputs in answers.pieces:
            whole[numbers[0] : numbers[-1] + 1] = outputs[name]
        found[name] = whole
    return found
