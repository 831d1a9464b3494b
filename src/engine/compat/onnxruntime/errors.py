"""The exceptions of ONNX Runtime, by code, and what becomes of the engine's."""

from __future__ import annotations


class Fail(Exception):
    """FAIL: whatever has no better name; a call that RunOptions.terminate stopped."""


class InvalidArgument(Exception):
    """INVALID_ARGUMENT: inputs that do not fit the model, names that it does not have."""


class NoSuchFile(Exception):
    """NO_SUCHFILE: a file that is missing or cannot be read."""


class NoModel(Exception):
    """NO_MODEL."""


class EngineError(Exception):
    """ENGINE_ERROR. Not engine.EngineError: this is ONNX Runtime's."""


class RuntimeException(Exception):
    """RUNTIME_EXCEPTION: out of memory, or a defect."""


class InvalidProtobuf(Exception):
    """INVALID_PROTOBUF: bytes that are no protobuf message."""


class ModelLoaded(Exception):
    """MODEL_LOADED."""


class NotImplemented(Exception):
    """NOT_IMPLEMENTED: operators, types or features that are not supported."""


class InvalidGraph(Exception):
    """INVALID_GRAPH: a model that breaks the ONNX specification."""


class EPFail(Exception):
    """EP_FAIL."""


class ModelLoadCanceled(Exception):
    """MODEL_LOAD_CANCELED."""


class ModelRequiresCompilation(Exception):
    """MODEL_REQUIRES_COMPILATION."""


class NotFound(Exception):
    """NOT_FOUND."""


class DeviceReset(Exception):
    """DEVICE_RESET."""


_CODES: dict[type[Exception], tuple[int, str]] = {
    Fail: (1, "FAIL"),
    InvalidArgument: (2, "INVALID_ARGUMENT"),
    NoSuchFile: (3, "NO_SUCHFILE"),
    RuntimeException: (6, "RUNTIME_EXCEPTION"),
    InvalidProtobuf: (7, "INVALID_PROTOBUF"),
    NotImplemented: (9, "NOT_IMPLEMENTED"),
    InvalidGraph: (10, "INVALID_GRAPH"),
    ModelLoadCanceled: (12, "MODEL_LOAD_CANCELED"),
}
_PREFIX = "[ONNXRuntimeError] : "


def error(kind: type[Exception], text: str) -> Exception:
    """An exception whose message has ONNX Runtime's form: "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : text"."""
    code, name = _CODES[kind]
    return kind(f"{_PREFIX}{code} : {name} : {text}")


def text_of(raised: BaseException) -> str:
    """The message without that form: what callbacks get."""
    message = str(raised)
    return message.split(" : ", 3)[3] if message.startswith(_PREFIX) else message


def not_supported(what: str) -> Exception:
    return error(NotImplemented, f"engine.compat.onnxruntime: {what}")
