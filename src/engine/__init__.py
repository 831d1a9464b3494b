"""An embedded inference engine: ONNX models on the CPU, inside your process.

>>> import engine
>>> model = engine.load("model.onnx")            # doctest: +SKIP
>>> model.run({"x": x}, timeout=0.05)["y"]       # doctest: +SKIP
"""

from engine._core import CancelToken, Model, TensorInfo, cpus, isa
from engine._core import core_version as _core_version
from engine.errors import (
    Cancelled,
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
from engine.model import load

__version__ = _core_version()

__all__ = [
    "CancelToken",
    "Cancelled",
    "DeadlineExceeded",
    "DigestMismatch",
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
    "isa",
    "load",
]
