"""The binary tensor extension: elements as raw little-endian bytes behind the JSON."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.serve.datatypes import dtype_of, of_name
from engine.serve.errors import BadRequest
from engine.serve.headers import number_of

Array = npt.NDArray[Any]


def header_length(value: bytes, whole: int) -> int:
    """The value of Inference-Header-Content-Length, for a body of `whole` bytes."""
    length = number_of(value)
    if length is None or length > whole:
        raise BadRequest(
            f"Inference-Header-Content-Length is {value[:40].decode('latin-1')!r}; 0 to {whole}, the length of the body, are possible"
        )
    return length


def shaped(name: str, array: Array, shape: Sequence[int]) -> Array:
    """REQUIRES: as many elements as the shape has."""
    try:
        return array.reshape(shape)
    except (ValueError, OverflowError):
        raise BadRequest(f"input {name!r}: no array has shape {list(shape)}") from None


def tensor(name: str, datatype: str, shape: Sequence[int], body: bytes, at: int, size: int) -> Array:
    """The tensor in body[at : at + size]; a view of the body unless its elements are text."""
    if type(size) is not int or size < 0 or at + size > len(body):
        raise BadRequest(f"input {name!r}: binary_data_size is {size!r}; {len(body) - at} bytes are left in the body")
    if datatype == "BYTES":
        return texts(name, shape, memoryview(body)[at : at + size])
    dtype = dtype_of(datatype)
    if dtype is None:
        raise BadRequest(f"input {name!r}: datatype {datatype!r} is not supported")
    elements = math.prod(shape)
    if elements * dtype.itemsize != size:
        raise BadRequest(
            f"input {name!r}: {datatype} of shape {list(shape)} has {elements * dtype.itemsize} bytes; binary_data_size is {size}"
        )
    if datatype == "BOOL" and elements and np.frombuffer(body, np.uint8, elements, at).max() > 1:
        raise BadRequest(f"input {name!r}: an element of BOOL is neither 0 nor 1")
    return shaped(name, np.frombuffer(body, dtype, elements, at), shape)


def texts(name: str, shape: Sequence[int], raw: memoryview) -> Array:
    """BYTES: each element is its length in 4 bytes, and that many bytes."""
    elements = math.prod(shape)
    if elements * 4 > len(raw):
        raise BadRequest(f"input {name!r}: {elements} elements of BYTES do not fit into {len(raw)} bytes")
    out = np.empty(elements, object)
    at = 0
    for k in range(elements):
        if at + 4 > len(raw):
            raise BadRequest(f"input {name!r}: element {k} of {elements} begins at the end of its {len(raw)} bytes")
        (length,) = struct.unpack_from("<I", raw, at)
        at += 4
        if at + length > len(raw):
            raise BadRequest(f"input {name!r}: element {k} has {length} bytes; {len(raw) - at} are left")
        out[k] = bytes(raw[at : at + length])
        at += length
    if at != len(raw):
        raise BadRequest(f"input {name!r}: {len(raw) - at} bytes are left after its {elements} elements")
    return shaped(name, out, shape)


def encoded(array: Array) -> bytes | memoryview:
    """The elements as they travel; a view of the array's memory unless they are text."""
    if array.dtype == object:
        parts = []
        for item in array.reshape(-1).tolist():
            raw = item if isinstance(item, bytes) else str(item).encode("utf-8", "surrogateescape")
            parts.append(struct.pack("<I", len(raw)))
            parts.append(raw)
        return b"".join(parts)
    if array.size == 0:
        return b""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def raw_request(model: Any, body: bytes) -> dict[str, Array]:
    """A body that is nothing but the elements of the only input, which may have one open dimension."""
    if len(model.inputs) != 1:
        raise BadRequest(f"a body without JSON is for models of one input; this one has {len(model.inputs)}")
    info = model.inputs[0]
    datatype = of_name(info.dtype) or ""
    dtype = dtype_of(datatype)
    shape = [dim if isinstance(dim, int) else -1 for dim in info.shape or (None, None)]
    if datatype == "BYTES" and shape.count(-1) + shape.count(1) == len(shape):
        return {info.name: np.array(body, object).reshape([1] * len(shape))}
    known = math.prod(dim for dim in shape if dim >= 0) * (dtype.itemsize if dtype else 0)
    if (
        dtype is None
        or shape.count(-1) > 1
        or known == 0
        or len(body) % known
        or (-1 not in shape and len(body) != known)
    ):
        raise BadRequest(
            f"{len(body)} bytes without JSON do not make {info.dtype} of shape {info.shape} (input {info.name!r})"
        )
    return {info.name: np.frombuffer(body, dtype).reshape(shape)}
