"""Element types under the names and numbers of ONNX Runtime."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# ONNX's number -> the engine's name (NumPy's and ml_dtypes')
_NAMES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4_e2m1fn",
    24: "float8_e8m0fnu",
    25: "uint2",
    26: "int2",
    27: "float6_e2m3fn",
    28: "float6_e3m2fn",
}
_NUMBERS = {name: number for number, name in _NAMES.items()}
_ORT = {
    "float32": "float",
    "float64": "double",
    "float8_e4m3fn": "float8e4m3fn",
    "float8_e4m3fnuz": "float8e4m3fnuz",
    "float8_e5m2": "float8e5m2",
    "float8_e5m2fnuz": "float8e5m2fnuz",
    "float8_e8m0fnu": "float8e8m0",
    "float4_e2m1fn": "float4e2m1",
    "float6_e2m3fn": "float6e2m3",
    "float6_e3m2fn": "float6e3m2",
}
_SHAPE = re.compile(r"\[[^\]]*\]")
_WORD = re.compile(r"\w+")
_MAP = re.compile(r"map\((\w+), (\w+)\)")


def type_text(dtype: str) -> str:
    """TensorInfo.dtype as ONNX Runtime writes types: "tensor(float)", "seq(map(int64,tensor(float)))"."""
    if "(" not in dtype:
        return f"tensor({_ORT.get(dtype, dtype)})"
    text = _MAP.sub(r"map(\1,tensor(\2))", _SHAPE.sub("", dtype))
    return _WORD.sub(lambda word: _ORT.get(word.group(), word.group()), text)


def name_of_number(number: int) -> str:
    if number not in _NAMES:
        raise RuntimeError(f"{number} is no ONNX element type")
    return _NAMES[number]


def number_of_name(name: str) -> int:
    return _NUMBERS[name]


def name_of_array(array: Array) -> str:
    """The engine's name of an array's element type; objects are taken for strings, as ONNX Runtime does."""
    return "string" if array.dtype.kind in "OUST" else array.dtype.name


def dtype_of(element_type: Any) -> tuple[np.dtype[Any], str]:
    """The NumPy type that holds elements of a type, and the type's name. element_type: NumPy's, or ONNX's number."""
    if not isinstance(element_type, int):
        dtype = np.dtype(element_type)
        return dtype, "string" if dtype.kind in "OUST" else dtype.name
    name = name_of_number(element_type)
    return (np.dtype(object) if name == "string" else _numeric(name)), name


def _numeric(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes
    except ImportError:
        raise RuntimeError(f"NumPy has no {name}: install ml_dtypes, which has it") from None
    found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return found
