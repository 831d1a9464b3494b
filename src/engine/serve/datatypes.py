"""The protocol's names of element types, and NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

_NAMES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "bfloat16": "BF16",
    "string": "BYTES",
}

# Element types that JSON can hold, little endian as they travel in binary.
DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(kind).newbyteorder("<") for kind, name in _NAMES.items() if kind not in ("bfloat16", "string")
}

_OF_DTYPE = {np.dtype(kind): name for kind, name in _NAMES.items() if kind not in ("bfloat16", "string")}
_OF_DTYPE[np.dtype(object)] = "BYTES"


def dtype_of(datatype: str) -> np.dtype[Any] | None:
    """None for what is no element type of fixed size, or for BF16 without the package ml_dtypes."""
    found = DTYPES.get(datatype)
    if found is None and datatype == "BF16":
        try:
            import ml_dtypes
        except ImportError:
            return None
        found = DTYPES["BF16"] = np.dtype(ml_dtypes.bfloat16)
    return found


def of_dtype(dtype: np.dtype[Any]) -> str | None:
    """None for a type that the protocol does not know."""
    found = _OF_DTYPE.get(dtype)
    if found is None and dtype.name == "bfloat16":
        found = _OF_DTYPE[dtype] = "BF16"
    return found


def of_name(dtype: str) -> str | None:
    """dtype: as engine.TensorInfo says it. None for what is no tensor, or of a type that the protocol does not know."""
    return _NAMES.get(dtype)
