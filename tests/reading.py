"""Reading models in tests: what the core read, and what the onnx package says it should be."""

from __future__ import annotations

import os
import pathlib

import numpy as np
import onnx
from onnx import numpy_helper

from engine import _testing

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZOO = pathlib.Path(os.environ.get("ENGINE_ZOO", ROOT / "zoo"))
ZOO_MODELS = sorted(ZOO.glob("*/model.onnx"))

PACKED = {"uint4", "int4", "uint2", "int2", "float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn"}


def read(model: onnx.ModelProto | bytes | str | os.PathLike, **options) -> dict:
    if isinstance(model, onnx.ModelProto):
        model = model.SerializeToString()
    return _testing.read_model(os.fspath(model) if isinstance(model, os.PathLike) else model, **options)


def array(described: tuple) -> np.ndarray:
    """The constant as numpy: types that numpy lacks come as the unsigned integers of their bytes."""
    dtype, shape, data = described
    if dtype == "string":
        return np.array(data, dtype=object).reshape(shape)
    if dtype in ("int4", "int2"):
        return np.frombuffer(data, np.int8).reshape(shape)
    return np.frombuffer(data, stored_as(dtype)).reshape(shape)


def stored_as(dtype: str) -> np.dtype:
    if dtype == "bfloat16":
        return np.dtype(np.uint16)
    if dtype.startswith("float8") or dtype in PACKED:
        return np.dtype(np.uint8)
    return np.dtype(dtype)


def oracle(tensor: onnx.TensorProto, base_dir: str = "") -> np.ndarray:
    """As array(), from the onnx package's own reading."""
    if tensor.data_type == onnx.TensorProto.STRING:
        return np.array(list(tensor.string_data), dtype=object).reshape(list(tensor.dims))
    value = numpy_helper.to_array(tensor, base_dir)
    if tensor.data_type in (onnx.TensorProto.INT4, onnx.TensorProto.INT2):
        return value.astype(np.int8)
    if value.dtype.isbuiltin != 1:
        return value.view(np.uint16 if value.dtype.itemsize == 2 else np.uint8)
    return value


def constants(graph: dict) -> dict[str, np.ndarray]:
    return {v["name"]: array(v["constant"]) for v in graph["values"] if v["constant"] is not None}


def same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return bool(np.array_equal(a, b)) if a.dtype == object else a.tobytes() == b.tobytes()


def names(graph: dict, ids: list) -> list:
    return [None if i is None else graph["values"][i]["name"] for i in ids]


def lines(graph: dict) -> list[tuple]:
    """Each node as (operator, input names, output names)."""
    return [(n["op_type"], names(graph, n["inputs"]), names(graph, n["outputs"])) for n in graph["nodes"]]
