"""Models travel as (source, digests, options) and are opened once in each process."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from engine.manifest import Manifest
    from engine.model import Model

# Bytes that a model was loaded from are kept for pickling up to this size.
LARGEST_BYTES = 16 << 20
# Models that were unpickled stay open though nothing refers to them, the latest so many.
KEPT = 8


@dataclass(frozen=True)
class Origin:
    """Where a version came from. source: an absolute path, the bytes, or None when those are too many to keep.

    digest: "sha256:..." of the model file. external_sha256: None when nobody knows the digests of its external data.
    """

    source: str | bytes | None
    digest: str
    external_sha256: Mapping[str, str] | None
    manifest: Manifest | None = None

    @property
    def path(self) -> str | None:
        """None for bytes."""
        return self.source if isinstance(self.source, str) else None


def origin_of(read: Any, digest: str, files: Mapping[str, tuple[str, int, str]], manifest: Manifest | None) -> Origin:
    """read: what the core was given. files: the external data that it read."""
    known = all(sha256 for _, _, sha256 in files.values())
    external = {location: sha256 for location, (_, _, sha256) in files.items()} if known else None
    return Origin(_kept_source(read), digest, external, manifest)


def _kept_source(read: Any) -> str | bytes | None:
    if isinstance(read, str):
        return os.path.abspath(read)
    return bytes(read) if memoryview(read).nbytes <= LARGEST_BYTES else None


def reduce(model: Model) -> tuple[Any, ...]:
    """For Model.__reduce__."""
    origin = model._origin()
    if origin is None or origin.source is None:
        raise TypeError(
            f"a model loaded from more than {LARGEST_BYTES >> 20} MiB of bytes cannot be pickled; load it from a path"
        )
    from engine.operators import recipes_for

    return reopen, (origin, model.name, _options_elsewhere(model), recipes_for(model))


def reopen(origin: Origin, name: str, options: dict[str, Any], operators: tuple[Any, ...] = ()) -> Model:
    """Unpickles: the model of this process that is the same, or the same bytes, opened. DigestMismatch when they are others now.

    operators: recipes of those that were registered where it was pickled.
    """
    if operators:
        from engine.operators import follow

        follow(operators)
    return _registry.find_or_open(_key(origin, name, options), origin, name, options)


def _options_elsewhere(model: Model) -> dict[str, Any]:
    folders = [os.path.abspath(folder) for folder in model._options["external_data"]]
    return {**model._options, "external_data": folders}


def _key(origin: Origin, name: str, options: Mapping[str, Any]) -> Hashable:
    external = None if origin.external_sha256 is None else tuple(sorted(origin.external_sha256.items()))
    place = origin.source if external is None else None
    return origin.digest, external, place, name, repr(sorted(options.items()))


def _key_of(model: Model) -> Hashable:
    """Of its current version; None when it has none."""
    try:
        origin = model._origin()
    except EngineError:
        return None
    return None if origin is None else _key(origin, model.name, _options_elsewhere(model))


class _Registry:
    """What was unpickled in this process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Model] = OrderedDict()
        self.forget_locks()

    def forget_locks(self) -> None:
        self._lock = threading.Lock()
        self._opening: dict[Hashable, threading.Lock] = {}

    def find_or_open(self, key: Hashable, origin: Origin, name: str, options: dict[str, Any]) -> Model:
        from engine.model import Model, open_models

        with self._lock:
            turn = self._opening.setdefault(key, threading.Lock())
        with turn:
            model = next((model for model in open_models() if model.name == name and _key_of(model) == key), None)
            if model is None:
                model = Model(name, options)
                model._open_origin(origin)
            self._keep(key, model)
        with self._lock:
            self._opening.pop(key, None)
        return model

    def _keep(self, key: Hashable, model: Model) -> None:
        with self._lock:
            self._kept[key] = model
            self._kept.move_to_end(key)
            dropped = [self._kept.popitem(last=False) for _ in range(len(self._kept) - KEPT)]
        del dropped


_registry = _Registry()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_registry.forget_locks)
