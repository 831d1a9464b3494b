"""The models that a server answers for: what engine.watch's Repository offers, and the same around plain models."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from engine import errors
from engine.events import CallReport
from engine.model import Model, load


class Handle(Protocol):
    """The call surface of engine.Model."""

    @property
    def inputs(self) -> tuple[Any, ...]: ...
    @property
    def outputs(self) -> tuple[Any, ...]: ...
    @property
    def version(self) -> Any: ...
    @property
    def state(self) -> str: ...
    @property
    def ready(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    async def run_async(
        self,
        feeds: dict[str, Any],
        *,
        timeout: float | None = None,
        outputs: Iterable[str] | None = None,
        request_id: str | None = None,
        cancel: Any = None,
        priority: str | None = None,
        report: CallReport | None = None,
    ) -> dict[str, Any]: ...


class Library(Protocol):
    """model() raises LookupError for a model or version that is not there, NotReady for one that cannot answer."""

    def model(self, name: str, version: Any = None, label: str | None = None) -> Any: ...
    def index(self) -> Iterable[tuple[str, Any, str, str]]: ...
    def load(self, name: str) -> Any: ...
    def unload(self, name: str) -> Any: ...
    @property
    def ready(self) -> bool: ...
    def drain(self, timeout: float | None = 30.0) -> Any: ...
    def close(self) -> None: ...


class Shelf:
    """A Library of models that the program has loaded. load() reads a model's file anew, unload() drains it.

    UNLOAD_SECONDS: what calls in flight get when their model is unloaded.
    """

    UNLOAD_SECONDS = 10.0

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = dict(models)
        self._unloaded: dict[str, tuple[Any, ...]] = {}
        self._lock = threading.Lock()

    def model(self, name: str, version: Any = None, label: str | None = None) -> Model:
        found = self._models.get(name)
        if found is None:
            if name in self._unloaded:
                raise errors.NotReady(f"model {name!r} is unloaded")
            raise LookupError(f"unknown model {name!r}")
        if label is not None or (version is not None and int(version) != found.version):
            raise LookupError(f"model {name!r} has no version {version if label is None else label!r}")
        return found

    def index(self) -> list[tuple[str, Any, str, str]]:
        known = []
        for name, model in list(self._models.items()):
            version = ""
            with contextlib.suppress(errors.EngineError):
                version = str(model.version)
            known.append((name, version, model.state, model.reason))
        return known + [(name, "", "UNAVAILABLE", "unloaded") for name in list(self._unloaded)]

    def load(self, name: str) -> None:
        with self._lock:
            if name in self._unloaded:
                path, options = self._unloaded[name]
                self._models[name] = load(path, name=name, **options)
                del self._unloaded[name]
                return
            path, _ = _origin(self.model(name))
            self._models[name].reload(path)

    def unload(self, name: str) -> None:
        with self._lock:
            model = self.model(name)
            self._unloaded[name] = _origin(model)
            del self._models[name]
            model.drain(self.UNLOAD_SECONDS)
            model.close()

    @property
    def failure(self) -> str | None:
        """Why a model that was to be there from the start never will be."""
        failed = [
            f"model {name!r}: {model.reason}" for name, model in list(self._models.items()) if model.state == "FAILED"
        ]
        return "; ".join(failed) or None

    @property
    def ready(self) -> bool:
        return all(model.ready for model in list(self._models.values()))

    def drain(self, timeout: float | None = 30.0) -> None:
        from engine.shutdown import drain_all

        drain_all(timeout, models=list(self._models.values()))

    def close(self) -> None:
        for model in list(self._models.values()):
            model.close()


def _origin(model: Model) -> tuple[str, dict[str, Any]]:
    path = model.path
    if path is None:
        raise errors.InvalidInput(f"model {model.name!r} came from memory, not from a file that could be read again")
    return path, dict(model._options)


def library_of(models: Mapping[str, Model] | Library) -> Library:
    return Shelf(models) if isinstance(models, Mapping) else models
