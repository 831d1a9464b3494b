"""Tables as they come: dicts of arrays and pandas DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from engine.errors import InvalidInput
from engine.rows.fitting import Array

Table = Any


def is_frame(table: Table) -> bool:
    return hasattr(table, "columns") and hasattr(table, "assign")


def length(table: Table) -> int:
    if is_frame(table):
        return len(table)
    if not isinstance(table, Mapping):
        raise InvalidInput(
            f"a table is a dict of arrays or a pandas DataFrame, not {type(table).__name__}: batch_format='numpy' or 'pandas'"
        )
    return len(next(iter(table.values()))) if table else 0


def column(table: Table, name: str) -> Array:
    if name not in table:
        raise InvalidInput(f"there is no column {name!r}; there are {', '.join(map(str, table))}")
    return np.asarray(table[name].array) if is_frame(table) else np.asarray(table[name])


def with_columns(table: Table, keep: Iterable[str] | None, new: Mapping[str, Array]) -> Table:
    """A table of the same kind: the columns `keep`, or all, and the new ones. Rows of a DataFrame's arrays become objects."""
    kept = [name for name in table if name not in new] if keep is None else [name for name in keep if name not in new]
    if not is_frame(table):
        return {**{name: table[name] for name in kept}, **new}
    return table[kept].assign(**{name: values if values.ndim == 1 else list(values) for name, values in new.items()})
