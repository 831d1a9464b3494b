"""Operators of one's own: libraries that are built against engine.get_include(), and Python callables for trying things out.

What is registered holds for the whole process and stays until it ends; models that are loaded afterwards see it.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from engine import _core
from engine.errors import EngineError, FileNotFound, InvalidOperator, MemoryLimitExceeded

if TYPE_CHECKING:
    from engine.model import Model

ENTRY_POINTS = "engine.operators"
SYMBOL = "engine_operators"

Library = str | os.PathLike[str] | ModuleType
# How another process gets the same operators: a library's path, or a callable and what register was told of it.
Recipe = str | tuple[Callable[..., Any], dict[str, Any]]


@dataclass(frozen=True)
class Operator:
    """An operator that was registered. until: the last version of its domain that has it; None: no end. source: a path, or the callable's name."""

    domain: str
    name: str
    since: int
    until: int | None
    source: str

    @property
    def full_name(self) -> str:
        return _full_name(self.domain, self.name)


def _full_name(domain: str, name: str) -> str:
    return name if domain in ("", "ai.onnx") else f"{domain}.{name}"


def get_include() -> str:
    """The folder to give to a compiler (include_dirs) for `#include "engine/custom_op.h"`."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")


def registered() -> tuple[Operator, ...]:
    """All operators that are registered now."""
    return tuple(Operator(d, n, since, until or None, source) for d, n, since, until, source in _core._registered())


def register(
    operators: Library | Callable[..., Any],
    *,
    name: str | None = None,
    domain: str | None = None,
    since: int = 1,
    inputs: int | tuple[int, int] | None = None,
    outputs: Sequence[Any] | str | int = (0,),
    infer: Callable[..., Any] | None = None,
    deterministic: bool = True,
    replace: bool = False,
) -> tuple[Operator, ...]:
    """Make operators known to all models that are loaded from now on; returns them.

    operators: a shared library (its path, or the extension module that it is) that exports engine_operators: see
        docs/custom-operators.md. The same library again changes nothing. Or a Python callable, which gets the inputs as arrays of
        its own (None: left out), attributes by name, and returns an array or a tuple of them. It runs with the GIL held; the
        deadline is looked at before and after it.

    The rest is for callables only:
    name, domain: the operator's; the name is the callable's unless said.
    since: the first version of the domain that has it.
    inputs: how many it takes, a number or (fewest, most); None: any number.
    outputs: for each output a dtype (its shape is what comes out), (dtype, shape) with None for an open dimension, or the position of
        an input with the same dtype and shape.
    infer: infer(*inputs, **attributes) gets a TensorInfo for each input and returns `outputs`.
    deterministic: False for one whose answers differ from call to call; models with it want load(allow_random=True).
    replace: take it although there is one of that name: models that are loaded later get this one.

    Raises InvalidOperator, FileNotFound.
    """
    if callable(operators) and not isinstance(operators, ModuleType):
        how = {"name": name, "domain": domain, "since": since, "inputs": inputs, "outputs": outputs, "infer": infer}
        return _register_callable(operators, {**how, "deterministic": deterministic}, replace)
    if name is not None or domain is not None or infer is not None or replace:
        raise InvalidOperator(
            "name, domain, infer and replace are for callables; a library says what its operators are"
        )
    with _state.lock:
        return _register_library(_path_of(operators))


def _path_of(library: Any) -> str:
    if isinstance(library, ModuleType):
        from importlib.machinery import EXTENSION_SUFFIXES

        path = getattr(library, "__file__", None) or ""
        if not path.endswith(tuple(EXTENSION_SUFFIXES)):
            raise InvalidOperator(
                f"the module {library.__name__} is no extension module: give the one that exports {SYMBOL}"
            )
        return os.path.realpath(path)
    if not isinstance(library, (str, os.PathLike)):
        raise InvalidOperator(f"{library!r} is no path, extension module or callable")
    return os.path.realpath(os.fspath(library))


def _register_library(path: str) -> tuple[Operator, ...]:
    import ctypes

    if not os.path.isfile(path):
        raise FileNotFound(f"{path} is missing")
    try:
        loaded = ctypes.CDLL(path)
    except OSError as error:
        raise InvalidOperator(f"{path} is no library that this process can load: {error}") from None
    try:
        entry = ctypes.cast(getattr(loaded, SYMBOL), ctypes.c_void_p).value
    except AttributeError:
        raise InvalidOperator(f"{path} exports no {SYMBOL}: it is no library of operators") from None
    with open(path, "rb") as file:
        identity = hashlib.sha256(file.read()).hexdigest()
    _checked(path, lambda: _core._register_library(entry, path, identity))
    _state.keep.append(loaded)
    found = tuple(operator for operator in registered() if operator.source == path)
    _state.recipes.update({operator.full_name: path for operator in found})
    return found


def _register_callable(function: Callable[..., Any], how: dict[str, Any], replace: bool) -> tuple[Operator, ...]:
    name = how["name"] or getattr(function, "__name__", "")
    domain, outputs = how["domain"], how["outputs"]
    if domain is None or not name:
        raise InvalidOperator("a callable wants a domain and a name")
    if isinstance(outputs, (str, int)):
        outputs = (outputs,)
    fewest, most = _counts(how["inputs"])
    source = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', name)}"
    native = _core.PythonOperator(function, how["infer"], tuple(outputs), domain, name)
    told = (1, -1) if how["infer"] else (1, len(outputs))
    with _state.lock:
        _checked(
            source, lambda: native.register(source, how["since"], (fewest, most), told, how["deterministic"], replace)
        )
        latest = [operator for operator in registered() if operator.full_name == _full_name(domain, name)][-1]
        _state.recipes[latest.full_name] = (function, {**how, "name": name, "outputs": outputs})
    return (latest,)


def _counts(inputs: int | tuple[int, int] | None) -> tuple[int, int]:
    if inputs is None:
        return 0, -1
    return (inputs, inputs) if isinstance(inputs, int) else inputs


def _checked(source: str, take: Callable[[], None]) -> None:
    try:
        take()
    except MemoryLimitExceeded:
        raise
    except EngineError as error:
        raise InvalidOperator(f"{source}: {error}") from None


def load_entry_points() -> str:
    """Registers what installed packages offer in the group engine.operators; the first time only. Returns what went wrong, as text."""
    with _state.looking:
        if _state.looked:
            return _state.trouble
        from importlib.metadata import entry_points

        failures = []
        for point in entry_points(group=ENTRY_POINTS):
            try:
                _register_offer(point.load())
            except Exception as error:  # noqa: BLE001 - told with the operator that stays unknown
                failures.append(f"the entry point {point.name} = {point.value}: {type(error).__name__}: {error}")
        _state.looked = True
        _state.trouble = "; ".join(failures)
        return _state.trouble


def _register_offer(offer: Any) -> None:
    """offer: a library, a list of these, or a function without arguments that returns such or registers by itself."""
    if callable(offer) and not isinstance(offer, ModuleType):
        offer = offer()
    if offer is None:
        return
    for library in [offer] if isinstance(offer, (str, os.PathLike, ModuleType)) else offer:
        register(library)


def recipes_for(model: Model) -> tuple[Recipe, ...]:
    """How another process gets the registered operators that the model has."""
    found: list[Recipe] = []
    for name in model.operators if _state.recipes else ():
        recipe = _state.recipes.get(name)
        if recipe is not None and recipe not in found:
            found.append(recipe)
    return tuple(found)


def follow(recipes: Iterable[Recipe]) -> None:
    """Registers what recipes_for told, as far as it is not there."""
    for recipe in recipes:
        if isinstance(recipe, str):
            register(recipe)
        else:
            function, how = recipe
            if _full_name(how["domain"], how["name"]) not in _state.recipes:
                register(function, **how)


class _State:
    def __init__(self) -> None:
        self.recipes: dict[str, Recipe] = {}
        self.keep: list[Any] = []
        self.looked = False
        self.trouble = ""
        self.renew_locks()

    def renew_locks(self) -> None:
        self.lock = threading.Lock()
        self.looking = threading.RLock()


_state = _State()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_state.renew_locks)
