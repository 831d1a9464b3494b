"""The exceptions that the engine raises.

Each has the name of a status code of the core; those that have a builtin relative inherit from it too, so that callers may
catch either.
"""


class EngineError(Exception):
    """Base of all errors of this package."""


class InvalidModel(EngineError, ValueError):
    """The file is malformed or breaks the ONNX specification."""


class UnsupportedOperator(EngineError, NotImplementedError):
    """The model uses operators, types or features that this version does not run; the message lists them."""


class DigestMismatch(EngineError, ValueError):
    """The bytes do not have the expected SHA-256."""


class InvalidInput(EngineError, ValueError):
    """The inputs of a call do not fit the model."""


class NotReady(EngineError):
    """The model cannot answer yet."""


class Overloaded(EngineError):
    """The queue is full, or the call cannot finish in time."""


class DeadlineExceeded(EngineError, TimeoutError):
    """The deadline of a call passed before its answer was there."""


class Cancelled(EngineError):
    """The caller cancelled the call."""


class MemoryLimitExceeded(EngineError, MemoryError):
    """The memory limit, or the system's memory, does not suffice."""


class Draining(EngineError):
    """The model takes no new calls."""


class FileNotFound(EngineError, FileNotFoundError):
    """A file is missing or cannot be read."""


class InternalError(EngineError, RuntimeError):
    """A defect in the engine."""
