"""What calls raise, as ONNX Runtime's errors: same classes, same order of checks, messages of the same form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

import engine
from engine._core import TensorInfo
from engine.compat.onnxruntime import errors
from engine.compat.onnxruntime.dtypes import Array, name_of_array, type_text
from engine.compat.onnxruntime.load_errors import other_error

_NODE = re.compile(r"node '(?P<name>[^']*)' \((?P<op>[^)]*)\): (?P<text>.*)", re.DOTALL)
_TERMINATED = "Exiting due to terminate flag being set to true."


def call_error(raised: engine.EngineError, inputs: Mapping[str, TensorInfo], feeds: Mapping[str, Any]) -> Exception:
    """What a call raised. inputs: by name, those with a default included."""
    if isinstance(raised, engine.Cancelled):
        return errors.error(errors.Fail, _TERMINATED)
    if isinstance(raised, engine.InvalidInput):
        return (
            _input_error(inputs, feeds) or _node_error(str(raised)) or errors.error(errors.InvalidArgument, str(raised))
        )
    return other_error(raised)


def missing_inputs(required: list[str], feeds: Mapping[str, Any]) -> ValueError:
    missing = [name for name in required if name not in feeds]
    return ValueError(f"Required inputs ({missing}) are missing from input feed ({list(feeds)}).")


def unknown_output(names: Any, known: list[str]) -> Exception:
    if isinstance(names, str):
        return TypeError(f"output_names is a list of str, not {names!r}")
    unknown = [name for name in names if name not in known]
    return errors.error(errors.InvalidArgument, f"Invalid output name:{unknown[0]}")


def _node_error(text: str) -> Exception | None:
    """An error of a node that ran."""
    found = _NODE.match(text)
    if not found:
        return None
    return errors.error(
        errors.Fail,
        f"Non-zero status code returned while running {found['op']} node. Name:'{found['name']}'"
        f" Status Message: {found['text']}",
    )


def _input_error(inputs: Mapping[str, TensorInfo], feeds: Mapping[str, Any]) -> Exception | None:
    for name in feeds:
        if name not in inputs:
            return errors.error(errors.InvalidArgument, f"Invalid input name: {name}")
    for name, value in feeds.items():
        found = _misfit(inputs[name], value)
        if found:
            return errors.error(errors.InvalidArgument, found)
    return None


def _misfit(info: TensorInfo, value: Any) -> str | None:
    wanted = type_text(info.dtype)
    if not wanted.startswith("tensor("):
        if isinstance(value, np.ndarray):
            return f"input with name: '{info.name}' expected to be of type: {wanted} but received a tensor"
        return None
    if not isinstance(value, np.ndarray):
        return None
    found = type_text(name_of_array(value))
    if found != wanted:
        return f"Unexpected input data type. Actual: ({found}) , expected: ({wanted})"
    return _wrong_shape(info, value)


def _wrong_shape(info: TensorInfo, array: Array) -> str | None:
    if info.shape is None:
        return None
    advice = "Please fix either the inputs/outputs or the model."
    if array.ndim != len(info.shape):
        return f"Invalid rank for input: {info.name} Got: {array.ndim} Expected: {len(info.shape)} {advice}"
    wrong = [
        f" index: {i} Got: {size} Expected: {wanted}\n"
        for i, (size, wanted) in enumerate(zip(array.shape, info.shape, strict=True))
        if isinstance(wanted, int) and wanted != size
    ]
    if not wrong:
        return None
    return f"Got invalid dimensions for input: {info.name} for the following indices\n{''.join(wrong)} {advice}"
