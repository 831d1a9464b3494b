"""Attributes of options as ONNX Runtime has them: typed, with a default, and no others."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, overload

from engine.compat.onnxruntime.errors import InvalidArgument, error

T = TypeVar("T")

_LONGEST_KEY = 1024


class Setting(Generic[T]):
    """An attribute of one type; a bool goes for an int, an int for a float."""

    def __init__(self, default: T, doc: str) -> None:
        self.default = default
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, holder: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, holder: Settings, owner: type) -> T: ...
    def __get__(self, holder: Settings | None, owner: type) -> Setting[T] | T:
        if holder is None:
            return self
        value: T = holder._values.get(self.name, self.default)
        return value

    def __set__(self, holder: Settings, value: T) -> None:
        wanted = type(self.default)
        given: Any = value
        if wanted is int and hasattr(given, "__index__"):
            given = given.__index__()
        if wanted is str and hasattr(given, "__fspath__"):
            given = given.__fspath__()
        if not isinstance(given, wanted):
            raise TypeError(f"{self.name} is {value!r}; {wanted.__name__} is wanted")
        holder._values[self.name] = given


class Settings:
    """Holds settings and configuration entries, pairs of str."""

    __slots__ = ("_entries", "_values")

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._entries: dict[str, str] = {}

    def _add_entry(self, key: str, value: str) -> None:
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"a configuration entry is two str, not {key!r}, {value!r}")
        if not 0 < len(key) <= _LONGEST_KEY:
            raise RuntimeError(f"Config key is empty or longer than maximum length {_LONGEST_KEY}")
        self._entries[key] = value

    def _entry(self, key: str) -> str:
        if key not in self._entries:
            raise RuntimeError(f"{type(self).__name__} does not have configuration with key: {key}")
        return self._entries[key]

    def _number(self, key: str) -> float | None:
        """What an entry says, as a number; None when there is none."""
        if key not in self._entries:
            return None
        try:
            return float(self._entries[key])
        except ValueError:
            raise error(InvalidArgument, f"{key} is {self._entries[key]!r}; a number is wanted") from None
