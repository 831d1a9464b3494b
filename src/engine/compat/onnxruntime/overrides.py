"""Models that a session needs beside its first one: initializers that calls give, dimensions that options fix."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import engine


def load(source: str | bytes, arguments: dict[str, Any], dims: dict[str, int]) -> engine.Model:
    """engine.load. Of dims, those that the model does not have are left out, as ONNX Runtime does; the others go into arguments."""
    if dims:
        with engine.load(source, **{**arguments, "optimize": "off"}) as model:
            symbols = {size for info in model.inputs for size in info.shape or ()}
        arguments["dims"] = {name: size for name, size in dims.items() if name in symbols}
    return engine.load(source, **arguments)


class Overrides:
    """A model for each set of initializers that calls give: there these are inputs, elsewhere constants. Made when first needed."""

    def __init__(self, model: engine.Model, source: str | bytes, arguments: dict[str, Any]) -> None:
        self._names = frozenset(info.name for info in model.default_inputs)
        self._models: dict[frozenset[str], engine.Model] = {frozenset(): model}
        self._source, self._arguments = source, arguments
        self._lock = threading.Lock()

    def model_for(self, feeds: Mapping[str, Any]) -> engine.Model:
        given = self._names.intersection(feeds)
        model = self._models.get(given)
        if model is None:
            with self._lock:
                model = self._models.get(given)
                if model is None:
                    model = engine.load(self._source, as_inputs=given, **self._arguments)
                    self._models[given] = model
        return model
