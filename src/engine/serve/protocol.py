"""Open Inference Protocol v2: a request's body to arrays, arrays to an answer's body."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from engine.serve import binary
from engine.serve.datatypes import dtype_of, of_dtype
from engine.serve.errors import BadRequest
from engine.serve.fastjson import dumps, loads
from engine.serve.headers import number_of

Part = bytes | memoryview
_FLOAT_KINDS, _INT_KINDS, _BOOL_KINDS = "fiu", "iu", "b"
_NUMBERS = {bool, int, float}
_MOST_DIMS = 64
_LONGEST_TIMEOUT = 10**18


class Request:
    """What a client asks for. outputs: names, or None for all; as_binary: whether an output shall travel as raw bytes."""

    __slots__ = ("binary_by_name", "binary_default", "feeds", "id", "outputs", "priority", "timeout")

    def __init__(self) -> None:
        self.feeds: dict[str, Any] = {}
        self.outputs: list[str] | None = None
        self.binary_default = False
        self.binary_by_name: dict[str, bool] = {}
        self.id: str | None = None
        self.timeout: float | None = None
        self.priority: str | None = None

    def as_binary(self, name: str) -> bool:
        return self.binary_by_name.get(name, self.binary_default)


def decode(body: bytes, length: bytes | None, model: Any) -> Request:
    """length: the header Inference-Header-Content-Length."""
    request = Request()
    end = len(body) if length is None else binary.header_length(length, len(body))
    if end == 0 and length is not None:
        request.feeds = binary.raw_request(model, body)
        request.binary_default = True
        return request
    document = _parse(body if end == len(body) else body[:end])
    _read_parameters(request, document.get("parameters"))
    entries = document.get("inputs")
    if type(entries) is not list:
        raise BadRequest("the request has no list 'inputs'")
    for entry in entries:
        end += _read_input(request, entry, body, end)
    if end != len(body):
        raise BadRequest(f"{len(body) - end} bytes are left after the last input")
    wanted = document.get("outputs")
    if wanted:
        _read_outputs(request, wanted)
    given = document.get("id")
    if given is not None:
        request.id = str(given)
    return request


def _parse(text: bytes) -> dict[str, Any]:
    try:
        document = loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the request is not JSON: {error}") from None
    if type(document) is not dict:
        raise BadRequest("the request is not a JSON object")
    return document


def _read_parameters(request: Request, parameters: Any) -> None:
    if not parameters:
        return
    if type(parameters) is not dict:
        raise BadRequest("'parameters' is not an object")
    request.binary_default = parameters.get("binary_data_output") is True
    timeout = parameters.get("timeout")
    if timeout is not None:
        told = number_of(timeout) if type(timeout) is str else timeout
        if type(told) is not int or told < 0:
            raise BadRequest(f"the parameter timeout is {str(timeout)[:40]!r}; microseconds, an integer, are wanted")
        request.timeout = min(told, _LONGEST_TIMEOUT) * 1e-6 if told else None
    if parameters.get("priority") == 1:
        request.priority = "high"


def _read_input(request: Request, entry: Any, body: bytes, at: int) -> int:
    """Returns how many bytes of the body behind the JSON it takes."""
    try:
        name, datatype, shape = entry["name"], entry["datatype"], entry["shape"]
    except (KeyError, TypeError):
        raise BadRequest("an input wants 'name', 'datatype' and 'shape'") from None
    if type(name) is not str or type(datatype) is not str:
        raise BadRequest(f"an input's 'name' and 'datatype' are strings, not {name!r} and {datatype!r}")
    if name in request.feeds:
        raise BadRequest(f"input {name!r} is given twice")
    if type(shape) is not list or not all(type(dim) is int and dim >= 0 for dim in shape):
        raise BadRequest(f"input {name!r}: shape is {shape!r}; a list of integers, at least 0, is wanted")
    if len(shape) > _MOST_DIMS:
        raise BadRequest(f"input {name!r}: the shape has {len(shape)} dimensions; {_MOST_DIMS} are possible")
    parameters = entry.get("parameters")
    size = parameters.get("binary_data_size") if type(parameters) is dict else None
    if size is not None:
        request.feeds[name] = binary.tensor(name, datatype, shape, body, at, size)
        return int(size)
    if "data" not in entry:
        raise BadRequest(f"input {name!r} has neither 'data' nor 'binary_data_size'")
    request.feeds[name] = _from_json(name, datatype, shape, entry["data"])
    return 0


def _read_outputs(request: Request, wanted: Any) -> None:
    if type(wanted) is not list:
        raise BadRequest("'outputs' is not a list")
    request.outputs = []
    for entry in wanted:
        if type(entry) is not dict or type(entry.get("name")) is not str:
            raise BadRequest("an entry of 'outputs' wants a 'name'")
        request.outputs.append(entry["name"])
        parameters = entry.get("parameters")
        if type(parameters) is dict and "binary_data" in parameters:
            request.binary_by_name[entry["name"]] = parameters["binary_data"] is True
        if type(parameters) is dict and parameters.get("classification"):
            raise BadRequest(f"output {entry['name']!r}: classification is not supported")


def _from_json(name: str, datatype: str, shape: Sequence[int], data: Any) -> binary.Array:
    if datatype == "BYTES":
        return _texts(name, shape, data)
    dtype = dtype_of(datatype) if datatype != "BF16" else None
    if dtype is None:
        raise BadRequest(f"input {name!r}: {datatype!r} cannot travel as JSON")
    if not _kinds(data) <= _NUMBERS:
        raise BadRequest(f"input {name!r}: data is no regular array of numbers")
    try:
        array = np.asarray(data)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"input {name!r}: data is no regular array of numbers ({error})") from None
    if array.size != math.prod(shape):
        raise BadRequest(f"input {name!r}: shape {list(shape)} has {math.prod(shape)} elements, data has {array.size}")
    if datatype == "UINT64" and array.dtype.kind == "f":
        array = _large_integers(name, data)
    return binary.shaped(name, _exactly(name, datatype, dtype, array), shape)


def _kinds(data: Any) -> set[type]:
    """The types of what is in the lists of lists; `list` among them when some are nested deeper than others.

    NumPy would make room for the longest text in the place of every number.
    """
    level = data if type(data) is list else [data]
    kinds = set(map(type, level))
    while kinds == {list}:
        level = list(chain.from_iterable(level))
        kinds = set(map(type, level))
    return kinds


def _large_integers(name: str, data: Any) -> binary.Array:
    """Where NumPy sees integers beyond INT64 beside others it makes floats of them all."""
    flat: list[Any] = []
    _flatten(data, flat)
    try:
        if all(type(item) is int for item in flat):
            return np.array(flat, np.uint64)
    except OverflowError:
        pass
    raise BadRequest(f"input {name!r}: data holds what is no UINT64")


def _exactly(name: str, datatype: str, dtype: np.dtype[Any], array: binary.Array) -> binary.Array:
    """The array in that type; BadRequest when it holds what the type does not."""
    kinds = _FLOAT_KINDS if dtype.kind == "f" else _BOOL_KINDS if dtype.kind == "b" else _INT_KINDS
    if array.dtype == dtype or array.size == 0:
        return array.astype(dtype, copy=False)
    if array.dtype.kind not in kinds:
        raise BadRequest(f"input {name!r}: data holds what is no {datatype}")
    if dtype.kind == "f":
        try:
            with np.errstate(over="raise"):
                return array.astype(dtype)
        except FloatingPointError:
            raise BadRequest(f"input {name!r}: a number is too large for {datatype}") from None
    range_ = np.iinfo(dtype)
    if int(array.min()) < range_.min or int(array.max()) > range_.max:
        raise BadRequest(f"input {name!r}: a number does not fit {datatype}")
    return array.astype(dtype)


def _texts(name: str, shape: Sequence[int], data: Any) -> binary.Array:
    flat: list[Any] = []
    _flatten(data, flat)
    if len(flat) != math.prod(shape):
        raise BadRequest(f"input {name!r}: shape {list(shape)} has {math.prod(shape)} elements, data has {len(flat)}")
    if not all(type(item) is str for item in flat):
        raise BadRequest(f"input {name!r}: data holds what is no string")
    array = np.empty(len(flat), object)
    array[:] = flat
    return binary.shaped(name, array, shape)


def _flatten(data: Any, into: list[Any]) -> None:
    rest = [iter(data if type(data) is list else [data])]
    while rest:
        for item in rest[-1]:
            if type(item) is list:
                rest.append(iter(item))
                break
            into.append(item)
        else:
            rest.pop()


def encode(name: str, version: Any, answer: dict[str, Any], request: Request) -> tuple[list[Part], int | None]:
    """The body's parts, and the length of the JSON before the raw tensors; None when there are none."""
    outputs: list[dict[str, Any]] = []
    tail: list[Part] = []
    for output, value in answer.items():
        if value is None:
            continue
        array = value if isinstance(value, np.ndarray) else _as_texts(value)
        datatype = of_dtype(array.dtype)
        if datatype is None:
            raise BadRequest(f"output {output!r} has dtype {array.dtype}, which the protocol does not know")
        entry: dict[str, Any] = {"name": output, "datatype": datatype, "shape": array.shape}
        if request.as_binary(output):
            raw = binary.encoded(array)
            entry["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        elif datatype == "BF16":
            raise BadRequest(f"output {output!r}: BF16 travels as binary data only; ask for binary_data")
        else:
            entry["data"] = array.reshape(-1) if datatype != "BYTES" else array.reshape(-1).tolist()
        outputs.append(entry)
    document: dict[str, Any] = {"model_name": name, "model_version": str(version)}
    if request.id is not None:
        document["id"] = request.id
    document["outputs"] = outputs
    head = dumps(document)
    return ([head, *tail], len(head)) if tail else ([head], None)


def _as_texts(value: Any) -> binary.Array:
    """What is no tensor: an element a text of JSON each."""
    items = value if isinstance(value, list) else [value]
    array = np.empty(len(items), object)
    for k, item in enumerate(items):
        array[k] = dumps(_plain(item)).decode()
    return array


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
