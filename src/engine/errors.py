"""The exceptions that the engine raises.

Each has the name of a status code of the core; those that have a builtin relative inherit from it too, so that callers may
catch either.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of all errors of this package.

    Errors of calls tell more: request_id as the caller gave it, and the W3C traceparent of the request that it was made in
    (engine.logs.request); waited and computed, seconds in the queue and computing; version, the number of the version that the
    call ran on; node, where it was stopped ("node 'conv_3' (Conv)"), or None.
    """

    request_id: str | None = None
    traceparent: str | None = None
    waited: float = 0.0
    computed: float = 0.0
    version: int = 0
    node: str | None = None


class InvalidModel(EngineError, ValueError):
    """The file is malformed or breaks the ONNX specification."""


class UnsupportedOperator(EngineError, NotImplementedError):
    """The model uses operators, types or features that this version does not run; the message lists them."""


class DigestMismatch(EngineError, ValueError):
    """The bytes do not have the expected SHA-256."""


class InvalidManifest(EngineError, ValueError):
    """A manifest (model.json) is malformed, or is not that of the model that was asked for."""


class SignatureError(EngineError, ValueError):
    """Base of what can be wrong with a manifest's signature."""


class SignatureMissing(SignatureError):
    """trusted_keys are given, and there is no signature to check."""


class UntrustedKey(SignatureError):
    """The signature was made with a key that is not among trusted_keys."""


class InvalidSignature(SignatureError):
    """The signature is damaged, or was not made by the key that it names."""


class ManifestChanged(SignatureError, DigestMismatch):
    """The manifest is not the one that was signed."""


class MissingDependency(EngineError, ImportError):
    """An optional package that this needs is not installed; the message names the extra that has it."""


class UnknownModel(EngineError, LookupError):
    """A repository has no model, version or label of that name."""


class InvalidInput(EngineError, ValueError):
    """The inputs of a call do not fit the model."""


class NotReady(EngineError):
    """The model cannot answer yet."""


class Overloaded(EngineError):
    """The queue is full, or the call cannot finish in time.

    retry_after: seconds after which the queue will have moved on, as far as recent calls tell; 0 when nothing is known.
    """

    retry_after: float = 0.0


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


class CheckFailed(EngineError):
    """A new version did not pass the checks that reload was given; the current version stays."""


class InvalidOperator(EngineError, ValueError):
    """engine.register was given what is no library of operators, one of another version, or one that defines what is there already."""


class OperatorFailed(EngineError, RuntimeError):
    """An operator that was registered failed; __cause__ is what it raised when it is a Python callable."""


class InternalError(EngineError, RuntimeError):
    """A defect in the engine."""
