"""Loading: from a path, bytes or any buffer to a Model."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from engine import _core
from engine.errors import InvalidInput

LEVELS = ("off", "cheap", "all")


def load(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    sha256: str | None = None,
    external_data: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    threads: int | None = None,
    memory_limit: int | None = None,
    timeout: float | None = None,
    optimize: str = "all",
    allow_random: bool = False,
) -> _core.Model:
    """Read, verify and plan an ONNX model.

    source: a path, or the file's bytes (any buffer).
    sha256: the file's expected digest in hex, with or without "sha256:".
    external_data: further folders from which external tensor data may be read, and into which links may point. Beside a model
        that comes from a path, its own folder may always be read.
    threads: threads that one call may use; None: the CPUs this process may use (affinity mask and cgroup quota).
    memory_limit: bytes for the weights, arenas and run-time tensors of this model; None: no limit.
    timeout: default seconds of a call; None: none.
    optimize: "all", "cheap" (only what removes work that is plainly needless) or "off": the answers agree within rounding.
    allow_random: accept operators that draw random numbers (RandomNormalLike, Bernoulli, Dropout in training mode, ...), whose answers
        differ from call to call; otherwise such a model is refused with UnsupportedOperator.

    Raises FileNotFound, DigestMismatch, InvalidModel, UnsupportedOperator (listing every operator that is not supported),
    MemoryLimitExceeded.
    """
    if threads is not None and not 1 <= threads <= 256:
        raise InvalidInput(f"threads is {threads}; 1 to 256 are allowed")
    if memory_limit is not None and memory_limit <= 0:
        raise InvalidInput(f"memory_limit is {memory_limit}; bytes above 0 are wanted")
    if timeout is not None and not timeout >= 0:
        raise InvalidInput(f"timeout is {timeout}; seconds, at least 0, are wanted")
    if optimize not in LEVELS:
        raise InvalidInput(f"optimize is {optimize!r}; one of {', '.join(LEVELS)} is wanted")
    folders = _folders(external_data)
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if not isinstance(path, str):
            raise InvalidInput("a path is a str or an os.PathLike of str")
        options = {
            "external_data": folders,
            "threads": threads,
            "memory_limit": memory_limit,
            "timeout": timeout,
            "optimize": optimize,
            "allow_random": allow_random,
        }
        return _open(path, sha256, options)
    return _core._load_bytes(source, sha256, folders, threads, memory_limit, timeout, optimize, allow_random)


def _folders(external_data: Any) -> list[str]:
    if isinstance(external_data, (str, os.PathLike)):
        external_data = [external_data]
    return [os.fspath(folder) for folder in external_data]


def _open(path: str, sha256: str | None, options: dict[str, Any]) -> _core.Model:
    return _core._load_file(
        path,
        sha256,
        options["external_data"],
        options["threads"],
        options["memory_limit"],
        options["timeout"],
        options["optimize"],
        options["allow_random"],
        (os.path.abspath(path), options),
    )


def _reopen(path: str, options: dict[str, Any], digest: str) -> _core.Model:
    """Unpickle: the same file, which must still have the digest that it had."""
    return _open(path, digest, options)
