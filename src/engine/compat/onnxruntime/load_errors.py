"""What loading raises, as ONNX Runtime's errors."""

from __future__ import annotations

import mmap
import os

import engine
from engine.compat.onnxruntime import errors


def load_error(raised: engine.EngineError, source: str | bytes) -> Exception:
    """What loading raised, for a model from a path or from bytes."""
    text = str(raised)
    if isinstance(raised, engine.FileNotFound):
        if isinstance(source, str) and not os.path.exists(source):
            text = f"Load model {source} failed. File doesn't exist"
        return _failed(errors.NoSuchFile, source, text)
    if not isinstance(raised, engine.InvalidModel):
        return other_error(raised)
    if _start_of(source)[4:8] == b"ORTM":
        return errors.not_supported("models in the ORT format are not read: load the ONNX file")
    if _reads_as_protobuf(source):
        return _failed(errors.InvalidGraph, source, f"This is an invalid model. {text}")
    return _failed(errors.InvalidProtobuf, source, f"Protobuf parsing failed. {text}")


def _failed(kind: type[Exception], source: str | bytes, reason: str) -> Exception:
    return errors.error(kind, f"Load model from {source if isinstance(source, str) else 'bytes'} failed:{reason}")


def _start_of(source: str | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:8]
    with open(source, "rb") as file:
        return file.read(8)


def _reads_as_protobuf(source: str | bytes) -> bool:
    if isinstance(source, bytes):
        return _is_message(source)
    try:
        with open(source, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return _is_message(view)
    except (OSError, ValueError):
        return False


def _is_message(data: bytes | mmap.mmap) -> bool:
    """Whether the fields of the outermost message follow each other to the end."""
    at, size = 0, len(data)
    while at < size:
        tag, at = _varint(data, at)
        kind = tag & 7
        if at < 0 or tag >> 3 == 0 or kind not in (0, 1, 2, 5):
            return False
        if kind == 0:
            _, at = _varint(data, at)
        elif kind == 2:
            length, at = _varint(data, at)
            at = at + length if at >= 0 else -1
        else:
            at += 8 if kind == 1 else 4
        if not 0 <= at <= size:
            return False
    return True


def _varint(data: bytes | mmap.mmap, at: int) -> tuple[int, int]:
    """The number and where it ends; -1 when it does not."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return 0, -1
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    return 0, -1


def other_error(raised: engine.EngineError) -> Exception:
    text = str(raised)
    if isinstance(raised, engine.UnsupportedOperator):
        return errors.error(errors.NotImplemented, text)
    if isinstance(raised, (engine.MemoryLimitExceeded, engine.InternalError)):
        return errors.error(errors.RuntimeException, text)
    if isinstance(raised, engine.InvalidInput):
        return errors.error(errors.InvalidArgument, text)
    return raised
