"""An embedded inference engine: ONNX models on the CPU, inside your process.

>>> import engine
>>> model = engine.load("model.onnx")            # doctest: +SKIP
>>> model.run({"x": x}, timeout=0.05)["y"]       # doctest: +SKIP
"""

from engine._core import CancelToken, TensorInfo, cpus, isa
from engine._core import core_version as _core_version
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
    InvalidModel,
    MemoryLimitExceeded,
    NotReady,
    Overloaded,
    UnsupportedOperator,
)
from engine.model import DrainReport, Model, load
from engine.shutdown import drain_all, install_signal_handlers

__version__ = _core_version()

__all__ = [
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
    "InvalidModel",
    "MemoryLimitExceeded",
    "Model",
    "NotReady",
    "Overloaded",
    "TensorInfo",
    "UnsupportedOperator",
    "__version__",
    "cpus",
    "drain_all",
    "install_signal_handlers",
    "isa",
    "load",
]
