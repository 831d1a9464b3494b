"""OrtValue: an array, a list (sequence), a dict (map) or None (an empty optional) that says what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from engine.compat.onnxruntime.device import OrtMemoryInfo, check_device
from engine.compat.onnxruntime.dtypes import Array, dtype_of, name_of_array, name_of_number, number_of_name, type_text
from engine.compat.onnxruntime.errors import not_supported
from engine.compat.onnxruntime.sparse import SparseTensor

_NUMERIC = "Creation of OrtValues is currently only supported from non-string numpy arrays"


class OrtValue:
    """A value in the memory of the CPU. Arrays are held, not copied: what is written into one is seen in the other."""

    __slots__ = ("_name", "_value")

    def __init__(self, value: Any, numpy_obj: object = None, session: object = None) -> None:
        """value: an OrtValue, or what one holds."""
        self._value: Any = value._value if isinstance(value, OrtValue) else value
        self._name: str = value._name if isinstance(value, OrtValue) else ""

    # -- making

    @classmethod
    def ortvalue_from_numpy(
        cls, numpy_obj: Array, /, device_type: str = "cpu", device_id: int = 0, vendor_id: int = -1
    ) -> OrtValue:
        if not isinstance(numpy_obj, np.ndarray) or name_of_array(numpy_obj) == "string":
            raise RuntimeError(_NUMERIC)
        check_device(device_type)
        return cls(np.ascontiguousarray(numpy_obj).reshape(numpy_obj.shape))

    @classmethod
    def ortvalue_from_numpy_with_onnx_type(cls, data: Array, /, onnx_element_type: int) -> OrtValue:
        """The array's bits, taken for another type of that size; onnx_element_type: its number."""
        name = name_of_number(onnx_element_type)
        if name != data.dtype.name:
            dtype, _ = dtype_of(onnx_element_type)
            if dtype.itemsize != data.dtype.itemsize:
                raise RuntimeError(f"{data.dtype} cannot be taken for {name}: elements have another size")
            data = np.ascontiguousarray(data).view(dtype).reshape(data.shape)
        return cls(data)

    @classmethod
    def ortvalue_from_shape_and_type(
        cls,
        shape: Sequence[int],
        element_type: Any,
        device_type: str = "cpu",
        device_id: int = 0,
        vendor_id: int = -1,
        memory_info: OrtMemoryInfo | None = None,
    ) -> OrtValue:
        dtype, name = dtype_of(element_type)
        if name == "string":
            raise RuntimeError(_NUMERIC)
        if any(size < 0 for size in shape):
            raise RuntimeError(f"the shape {list(shape)} has a negative dimension")
        check_device(device_type)
        return cls(np.zeros(tuple(shape), dtype))

    @classmethod
    def from_dlpack(cls, data: Any, /) -> OrtValue:
        """data: an object with __dlpack__, or a DLPack capsule of the CPU's memory."""
        return cls(np.from_dlpack(data if hasattr(data, "__dlpack__") else _Capsule(data)))

    @classmethod
    def ort_value_from_sparse_tensor(cls, sparse_tensor: SparseTensor) -> OrtValue:
        raise not_supported("sparse tensors are not values")

    # -- what it is

    def _array(self) -> Array:
        if not isinstance(self._value, np.ndarray):
            raise RuntimeError("Only OrtValues that are Tensors are currently supported")  # noqa: TRY004
        return self._value

    def _get_c_value(self) -> OrtValue:
        return self

    _ortvalue = property(_get_c_value)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array().dtype

    def shape(self) -> list[int]:
        return list(self._array().shape)

    def data_type(self) -> str:
        return self._name or _type_of(self._value)

    def element_type(self) -> int:
        first = self._value[0] if self.is_tensor_sequence() and self._value else self._value
        return number_of_name(name_of_array(OrtValue(first)._array()))

    def tensor_size_in_bytes(self) -> int:
        return self._array().nbytes

    def device_name(self) -> str:
        return "cpu"

    def data_ptr(self) -> int:
        return self._array().ctypes.data

    def has_value(self) -> bool:
        return self._value is not None

    def is_tensor(self) -> bool:
        return isinstance(self._value, np.ndarray)

    def is_tensor_sequence(self) -> bool:
        return isinstance(self._value, list) and all(isinstance(item, np.ndarray) for item in self._value)

    def is_sparse_tensor(self) -> bool:
        return False

    def as_sparse_tensor(self) -> SparseTensor:
        raise not_supported("sparse tensors are not values")

    # -- the data

    def numpy(self) -> Array:
        return self._array()

    def to_list(self) -> list[Any]:
        """A sequence's items."""
        if not isinstance(self._value, list):
            raise RuntimeError("the OrtValue is no sequence")  # noqa: TRY004
        return self._value

    def update_inplace(self, data: Array | OrtValue) -> None:
        """Writes over the memory. The number of bytes must be the same."""
        array, new = self._array(), data._array() if isinstance(data, OrtValue) else data
        if not isinstance(new, np.ndarray):
            raise TypeError("data must be a numpy.ndarray or an OrtValue.")
        if new.size != array.size:
            raise RuntimeError("The input size of numpy arrays does not match the size of the OrtValue.")
        if new.dtype != array.dtype:
            raise RuntimeError(f"the OrtValue holds {array.dtype}, the array {new.dtype}")
        np.copyto(array, new.reshape(array.shape))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy:
            return np.array(self._array(), dtype=dtype)
        return np.asarray(self._array(), dtype=dtype)

    def __dlpack__(self, *, stream: Any = None) -> Any:
        return self._array().__dlpack__()

    def to_dlpack(self) -> Any:
        return self._array().__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


class OrtValueVector(list[OrtValue]):
    """A list of OrtValue with ONNX Runtime's names for what a list does."""

    def push_back(self, value: OrtValue) -> None:
        self.append(value)

    def push_back_batch(self, values: Iterable[OrtValue]) -> None:
        self.extend(values)

    def reserve(self, size: int) -> None:
        """No effect."""

    def shrink_to_fit(self) -> None:
        """No effect."""

    def element_type_at(self, index: int) -> int:
        return self[index].element_type()

    def dlpack_at(self, index: int) -> Any:
        return self[index].to_dlpack()


class _Capsule:
    """A capsule as the protocol wants its holder to be."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def _type_of(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return type_text(name_of_array(value))
    if isinstance(value, list):
        return f"seq({_type_of(value[0]) if value else ''})"
    if isinstance(value, dict):
        keys, items = np.array(list(value.keys())), np.array(list(value.values()))
        return f"map({type_text(name_of_array(keys))[7:-1]},{type_text(name_of_array(items))})"
    return "optional()"


def unwrapped(value: Any) -> Any:
    """What an OrtValue holds; anything else as it is."""
    return value._value if isinstance(value, OrtValue) else value


def copy_tensors(src: Sequence[OrtValue], dst: Sequence[OrtValue], stream: object = None) -> None:
    """Writes the tensors of `src` over those of `dst`, one by one."""
    for one, other in zip(src, dst, strict=True):
        other.update_inplace(one)
