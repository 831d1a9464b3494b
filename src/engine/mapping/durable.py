"""Files that are there whole or not at all, whenever the process or the machine ends."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import IO, Any

UNFINISHED = ".part"


@contextlib.contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """A file to write; it appears at `path` when the block ends, and is on the disk then. An error leaves what was there."""
    unfinished = f"{path}.{os.getpid()}{UNFINISHED}"
    try:
        with open(unfinished, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
    sync_folder(os.path.dirname(path))


def write_json(path: str, document: Any) -> None:
    with replacing(path) as file:
        file.write((json.dumps(document, indent=2) + "\n").encode())


def sync_folder(path: str) -> None:
    """The names in it are on the disk. Where a folder cannot be opened, as on Windows, the system looks after that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
