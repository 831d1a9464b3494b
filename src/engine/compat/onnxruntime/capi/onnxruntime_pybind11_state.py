"""ONNX Runtime's exceptions, and its public names once more."""

from engine.compat.onnxruntime.api import *
from engine.compat.onnxruntime.errors import (  # noqa: F401
    DeviceReset,
    EngineError,
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    ModelLoadCanceled,
    ModelLoaded,
    ModelRequiresCompilation,
    NoModel,
    NoSuchFile,
    NotFound,
    NotImplemented,
    RuntimeException,
)
from engine.compat.onnxruntime.ort_value import OrtValueVector  # noqa: F401
from engine.compat.onnxruntime.session_options import SessionOptions


def get_default_session_options() -> SessionOptions:
    return SessionOptions()
