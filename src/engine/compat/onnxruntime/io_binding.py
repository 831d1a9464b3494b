"""IOBinding: inputs and outputs bound to memory once, for many calls."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.compat.onnxruntime.device import check_device
from engine.compat.onnxruntime.dtypes import Array, dtype_of, name_of_array, type_text
from engine.compat.onnxruntime.errors import text_of
from engine.compat.onnxruntime.ort_value import OrtValue, OrtValueVector

if TYPE_CHECKING:
    from engine.compat.onnxruntime.run_options import RunOptions
    from engine.compat.onnxruntime.session import Session


class IOBinding:
    """What a session's calls read and write. Arrays and memory that are bound must live as long as the binding is used."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Array | None] = {}
        self._results: dict[str, OrtValue] = {}

    _iobinding = property(lambda self: self)

    # -- inputs

    def bind_cpu_input(self, name: str, arr_on_cpu: Array) -> None:
        if not isinstance(arr_on_cpu, np.ndarray):
            raise RuntimeError("Unable to create OrtValue from the given python object")  # noqa: TRY004
        self._bind(name, arr_on_cpu)

    def bind_input(
        self, name: str, device_type: str, device_id: int, element_type: Any, shape: Sequence[int], buffer_ptr: int
    ) -> None:
        """The memory at buffer_ptr. element_type: NumPy's, or ONNX's number."""
        check_device(device_type)
        self._bind(name, _array_at(buffer_ptr, element_type, shape))

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        self._bind(name, ortvalue._get_c_value()._value)

    def _bind(self, name: str, value: Any) -> None:
        known = (*self._session.get_inputs(), *self._session.get_overridable_initializers())
        if all(arg.name != name for arg in known):
            raise RuntimeError(f"Failed to find NodeArg with name: {name} in the def list")
        self._inputs[name] = value

    def clear_binding_inputs(self) -> None:
        self._inputs.clear()

    def synchronize_inputs(self) -> None:
        """No effect: the memory is the CPU's."""

    # -- outputs

    def bind_output(
        self,
        name: str,
        device_type: str = "cpu",
        device_id: int = 0,
        element_type: Any = None,
        shape: Sequence[int] | None = None,
        buffer_ptr: int | None = None,
    ) -> None:
        """The output goes to buffer_ptr; None: into memory of its own, see get_outputs."""
        check_device(device_type)
        if buffer_ptr is None:
            self._outputs[name] = None
            return
        if element_type is None or shape is None:
            raise ValueError("`element_type` and `shape` are to be provided if pre-allocated memory is provided")
        self._outputs[name] = _array_at(buffer_ptr, element_type, shape)

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        self._outputs[name] = ortvalue._get_c_value()._array()

    def clear_binding_outputs(self) -> None:
        self._outputs.clear()
        self._results.clear()

    def synchronize_outputs(self) -> None:
        """No effect: the memory is the CPU's."""

    def get_outputs(self) -> list[OrtValue]:
        """The outputs of the last call, in the order in which they were bound."""
        return list(self._results.values())

    def get_outputs_as_ortvaluevector(self) -> OrtValueVector:
        return OrtValueVector(self._results.values())

    def copy_outputs_to_cpu(self) -> list[Any]:
        """The outputs of the last call as arrays of their own (lists and dicts where they are none)."""
        return [value.numpy().copy() if value.is_tensor() else value._value for value in self._results.values()]

    # -- the call

    def _run(self, run_options: RunOptions | None) -> None:
        if not self._outputs:
            raise RuntimeError("Error in execution: At least one output should be requested.")
        names = list(self._outputs)
        try:
            results = self._session.run(names, self._inputs, run_options)
        except Exception as raised:
            raise RuntimeError(f"Error in execution: {text_of(raised)}") from raised
        self._results = {name: self._settled(name, value) for name, value in zip(names, results, strict=True)}

    def _settled(self, name: str, value: Any) -> OrtValue:
        target = self._outputs[name]
        if target is None:
            return self._session._ort_value(name, value)
        wanted, found = (type_text(name_of_array(array)) for array in (target, np.asarray(value)))
        if wanted != found:
            raise RuntimeError(
                f"Error in execution: Unexpected output data type. Actual: ({wanted}) , expected: ({found})"
            )
        if target.shape != value.shape:
            raise RuntimeError(
                f"Error in execution: the memory bound to output '{name}' has shape {target.shape},"
                f" the output {value.shape}"
            )
        np.copyto(target, value)
        return OrtValue(target)


def _array_at(address: int, element_type: Any, shape: Sequence[int]) -> Array:
    """The elements at an address, which are not owned."""
    dtype, name = dtype_of(element_type)
    if name == "string":
        raise RuntimeError("Only binding of non-string Tensors is currently supported")
    size = math.prod(shape) * dtype.itemsize
    memory: Any = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(memory, np.uint8).view(dtype).reshape(tuple(shape)) if size else np.empty(tuple(shape), dtype)
