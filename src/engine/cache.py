"""The folder of packed weights that processes share: which one it is, and telling once that it is of no use."""

from __future__ import annotations

import os

from engine import events
from engine.errors import InvalidInput

LIMIT = 8 << 30

_told: set[tuple[str, str]] = set()


def folder_of(cache: str | os.PathLike[str] | bool | None) -> str | None:
    """The absolute path; None: no folder. cache: as load takes it."""
    if cache is None:
        cache = os.environ.get("ENGINE_CACHE") or False
    if cache is False:
        return None
    if cache is True:
        raise InvalidInput("cache is True; the path of a folder, False or None is wanted")
    path = os.fspath(cache)
    if not isinstance(path, str) or not path:
        raise InvalidInput(f"cache is {cache!r}; the path of a folder, False or None is wanted")
    return os.path.abspath(os.path.expanduser(path))


def limit_of(cache_limit: int | None) -> int:
    """Bytes. cache_limit: as load takes it."""
    if cache_limit is not None:
        return cache_limit
    text = os.environ.get("ENGINE_CACHE_LIMIT")
    if not text:
        return LIMIT
    if not text.isdecimal() or not 1 <= int(text) < 1 << 63:
        raise InvalidInput(f"ENGINE_CACHE_LIMIT is {text!r}; a number of bytes, at least 1, is wanted")
    return int(text)


def tell_failure(folder: str, failure: str) -> None:
    """Once a process for each folder and failure. The model is none the worse for it, but for memory that is not shared."""
    if (folder, failure) in _told:
        return
    _told.add((folder, failure))
    what = f"packed weights are not all shared through the cache folder {folder}: {failure}"
    events.emit(events.WARNING, "cache_failed", what, folder=folder, failure=failure)
