"""An embedded inference engine: ONNX models on the CPU, inside your process.

>>> import engine
>>> model = engine.load("model.onnx")            # doctest: +SKIP
>>> model.run({"x": x}, timeout=0.05)["y"]       # doctest: +SKIP
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from engine._core import CancelToken, TensorInfo, cpus, isa
from engine._core import core_version as _core_version
from engine.drain import DrainReport
from engine.errors import (
    Cancelled,
    CheckFailed,
    DeadlineExceeded,
    DigestMismatch,
    Draining,
    EngineError,
    FileNotFound,
    InternalError,
    InvalidInput,
    InvalidManifest,
    InvalidModel,
    InvalidOperator,
    InvalidSignature,
    ManifestChanged,
    MemoryLimitExceeded,
    MissingDependency,
    NotReady,
    OperatorFailed,
    Overloaded,
    SignatureError,
    SignatureMissing,
    UnknownModel,
    UnsupportedOperator,
    UntrustedKey,
)
from engine.events import CallReport
from engine.model import Model, load
from engine.shutdown import drain_all, install_signal_handlers

if _TYPE_CHECKING:
    from engine.manifest import Manifest
    from engine.operators import Operator, get_include, register, registered
    from engine.packing import pack
    from engine.repository import ModelHandle, Repository, watch

__version__ = _core_version()

_ELSEWHERE = {
    "Manifest": "engine.manifest",
    "ModelHandle": "engine.repository",
    "Operator": "engine.operators",
    "Repository": "engine.repository",
    "get_include": "engine.operators",
    "pack": "engine.packing",
    "register": "engine.operators",
    "registered": "engine.operators",
    "watch": "engine.repository",
}


def __getattr__(name: str) -> _Any:
    """What few programs need is imported when it is first asked for."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_ELSEWHERE[name]), name)


__all__ = [
    "CallReport",
    "CancelToken",
    "Cancelled",
    "CheckFailed",
    "DeadlineExceeded",
    "DigestMismatch",
    "DrainReport",
    "Draining",
    "EngineError",
    "FileNotFound",
    "InternalError",
    "InvalidInput",
    "InvalidManifest",
    "InvalidModel",
    "InvalidOperator",
    "InvalidSignature",
    "Manifest",
    "ManifestChanged",
    "MemoryLimitExceeded",
    "MissingDependency",
    "Model",
    "ModelHandle",
    "NotReady",
    "Operator",
    "OperatorFailed",
    "Overloaded",
    "Repository",
    "SignatureError",
    "SignatureMissing",
    "TensorInfo",
    "UnknownModel",
    "UnsupportedOperator",
    "UntrustedKey",
    "__version__",
    "cpus",
    "drain_all",
    "get_include",
    "install_signal_handlers",
    "isa",
    "load",
    "pack",
    "register",
    "registered",
    "watch",
]
