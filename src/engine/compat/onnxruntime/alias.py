"""``import onnxruntime`` answered by this package, for the rest of the process."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import os
import pathlib
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

NAME = "onnxruntime"
_HERE = "engine.compat.onnxruntime"
_SERVED = (
    "",
    ".capi",
    ".capi._pybind_state",
    ".capi.onnxruntime_inference_collection",
    ".capi.onnxruntime_pybind11_state",
    ".capi.onnxruntime_validation",
)

# A folder whose package of that name calls serve(): processes that inherit sys.path (multiprocessing's) are served too.
FOLDER = str(pathlib.Path(__file__).resolve().parent / "as_onnxruntime")


def serve() -> None:
    """From now on ``import onnxruntime`` is this package, and importlib.metadata says so. REQUIRES: it was not imported before."""
    loaded = sys.modules.get(NAME)
    if loaded is not None and getattr(loaded, "__name__", NAME) == NAME and not _is_placeholder(loaded):
        raise ImportError(f"{NAME} was imported before, from {getattr(loaded, '__file__', None)}")
    for suffix in _SERVED:
        sys.modules[NAME + suffix] = importlib.import_module(_HERE + suffix)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    if FOLDER not in sys.path:
        sys.path.insert(1, FOLDER)


def _is_placeholder(module: ModuleType) -> bool:
    return os.path.dirname(os.path.dirname(module.__file__ or "")) == FOLDER


class _Finder(importlib.abc.MetaPathFinder):
    """Refuses what there is not, so that no part of another ONNX Runtime is mixed in; tells the version."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(f"{NAME}."):
            return None
        raise ModuleNotFoundError(
            f"No module named '{fullname}': {_HERE} runs models and has no tools for making them", name=fullname
        )

    def find_distributions(
        self, context: importlib.metadata.DistributionFinder.Context | None = None
    ) -> Iterable[importlib.metadata.Distribution]:
        return [_Distribution()] if context is not None and context.name == NAME else []


class _Distribution(importlib.metadata.Distribution):
    """What importlib.metadata tells of onnxruntime."""

    def read_text(self, filename: str) -> str | None:
        from engine.compat.onnxruntime.environment import VERSION

        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n"

    def locate_file(self, path: Any) -> pathlib.Path:
        return pathlib.Path(FOLDER, path)
