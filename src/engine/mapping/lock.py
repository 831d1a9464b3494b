"""One job at a time in a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from engine.errors import InvalidInput


@contextlib.contextmanager
def locked(folder: str) -> Iterator[int | None]:
    """The descriptor that holds the lock, which ends with the last process that has it; None where there are no such locks."""
    os.makedirs(folder, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInput(f"another process works on {folder}") from None
        yield descriptor
    finally:
        os.close(descriptor)
