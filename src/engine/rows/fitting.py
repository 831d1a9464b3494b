"""Values as the element type that an input wants, where they fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine._core import TensorInfo
from engine.errors import InvalidInput

Array = np.ndarray[Any, np.dtype[Any]]


def fitted(info: TensorInfo, values: Any) -> Array:
    """An array of the input's element type; the array itself when it has that type.

    Numbers become floats and are rounded to shorter ones; integers become others that can hold them; None is NaN. An array of
    objects that are rows is stacked. InvalidInput for all else, and for numbers that do not fit.
    """
    array = _stacked(info.name, values)
    if info.dtype == "string":
        return _texts(info.name, array)
    try:
        wanted = np.dtype(info.dtype)
    except TypeError:
        return array  # the call tells what is wrong with it
    if array.dtype == wanted:
        return array
    if array.dtype.kind == "O" and wanted.kind == "f":
        array = _numbers(info.name, array)
    if wanted.kind == "f" and array.dtype.kind in "biuf":
        return _rounded(info.name, array, wanted)
    if wanted.kind in "iu" and array.dtype.kind in "biu" and _holds(wanted, array):
        return array.astype(wanted)
    raise InvalidInput(f"input {info.name!r} is {wanted.name}; {array.dtype.name} {list(array.shape)} does not fit")


def _stacked(name: str, values: Any) -> Array:
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O" and array.size and isinstance(array.flat[0], (np.ndarray, list, tuple)):
            rows = np.stack([_stacked(name, row) for row in array.flat])
            array = rows.reshape(*array.shape, *rows.shape[1:])
    except ValueError as error:
        raise InvalidInput(f"input {name!r}: the rows do not make one array: {error}") from None
    return array


def _texts(name: str, array: Array) -> Array:
    if array.dtype.kind in "US" or (array.dtype.kind == "O" and all(isinstance(x, (str, bytes)) for x in array.flat)):
        return array
    raise InvalidInput(f"input {name!r} is string; {array.dtype.name} {list(array.shape)} does not fit")


def _numbers(name: str, array: Array) -> Array:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(f"input {name!r}: not all values are numbers") from None


def _rounded(name: str, array: Array, wanted: np.dtype[Any]) -> Array:
    try:
        with np.errstate(over="raise"):
            return array.astype(wanted)
    except FloatingPointError:
        raise InvalidInput(f"input {name!r}: a number is too large for {wanted.name}") from None


def _holds(wanted: np.dtype[Any], array: Array) -> bool:
    if not array.size or array.dtype.kind == "b":
        return True
    limits = np.iinfo(wanted)
    return int(array.min()) >= limits.min and int(array.max()) <= limits.max
