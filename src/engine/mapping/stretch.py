"""The rows of several .npy files, one file after the other, mapped when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.errors import InvalidInput
from engine.rows.fitting import Array


class Stretch:
    """shape: of a row. Pickles as the paths. InvalidInput for files that are no arrays, or whose rows differ in shape."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = list(paths)
        self._lengths = []
        self.shape: tuple[int, ...] = ()
        for number, path in enumerate(paths):
            shape = _mapped(path).shape
            if number and shape[1:] != self.shape:
                raise InvalidInput(f"{path}: its rows have shape {list(shape[1:])}, others {list(self.shape)}")
            self._lengths.append(shape[0])
            self.shape = shape[1:]
        self.rows = sum(self._lengths)

    def __reduce__(self) -> tuple[Any, ...]:
        return Stretch, (self._paths,)

    def __getitem__(self, rows: slice) -> Array:
        found = []
        first = 0
        for path, length in zip(self._paths, self._lengths, strict=True):
            low, high = max(0, rows.start - first), min(length, rows.stop - first)
            if low < high:
                found.append(_mapped(path)[low:high])
            first += length
        if not found:
            return _mapped(self._paths[0])[:0]
        return np.asarray(found[0]) if len(found) == 1 else np.concatenate(found)


def _mapped(path: str) -> Array:
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "mmap" not in str(error):
            raise InvalidInput(f"{path}: {error}") from None
        array = np.load(path, allow_pickle=False)  # one of no bytes
    if array.ndim == 0:
        raise InvalidInput(f"{path} holds a single number; rows along axis 0 are wanted")
    return array
