"""What lies in a repository's folder, and whether a version is whole. Looks at names, sizes and times; hashes and parses nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import EngineError
from engine.manifest import FILE_NAME, SIGNATURE_SUFFIX, Manifest, read_manifest

MODEL_NAME = "model.onnx"

# Path, size, time of writing, inode of every file: other bytes, other stamp.
Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Look:
    """A version's folder at one moment.

    source: what to load; "" when nothing can be. by_manifest: whether a manifest says what belongs to it. missing: what is not
    there yet; "" when the manifest's files all are, or there is no manifest. wrong: why it can never be loaded, or "".
    """

    stamp: Stamp
    source: str
    by_manifest: bool
    missing: str
    wrong: str = ""


def model_names(root: str) -> list[str]:
    """Folders, hidden ones apart. OSError when the root cannot be read."""
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())


def version_numbers(folder: str) -> list[int]:
    """The folders whose names are numbers from 1 on, without leading zeros. OSError."""
    with os.scandir(folder) as entries:
        return sorted(int(entry.name) for entry in entries if _is_number(entry.name) and entry.is_dir())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and not text.startswith("0") and len(text) < 19


def stamp_of(folder: str) -> Stamp:
    """OSError when the folder, or a file in it, goes away meanwhile."""
    return tuple(sorted(_files(folder, "")))


def _files(folder: str, place: str) -> Iterator[tuple[str, int, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, f"{place}{entry.name}/")
            else:
                facts = os.stat(entry.path)
                yield f"{place}{entry.name}", facts.st_size, facts.st_mtime_ns, facts.st_ino


def look(folder: str, stamp: Stamp, name: str, number: int, *, manifest_wanted: bool, signature_wanted: bool) -> Look:
    """stamp: stamp_of(folder), just now."""
    present = {path for path, *_ in stamp}
    if FILE_NAME in present:
        if signature_wanted and FILE_NAME + SIGNATURE_SUFFIX not in present:
            return Look(stamp, folder, True, f"there is no {FILE_NAME}{SIGNATURE_SUFFIX}")
        return _by_manifest(stamp, folder, name, number)
    if manifest_wanted:
        return Look(stamp, "", False, f"there is no {FILE_NAME}")
    if MODEL_NAME not in present:
        return Look(stamp, "", False, f"there is no {MODEL_NAME} and no {FILE_NAME}")
    return Look(stamp, os.path.join(folder, MODEL_NAME), False, "")


def _by_manifest(stamp: Stamp, folder: str, name: str, number: int) -> Look:
    try:
        manifest = read_manifest(folder)
    except EngineError as error:
        return Look(stamp, folder, True, str(error))
    return Look(stamp, folder, True, manifest.what_is_missing(), wrong_manifest(manifest, name, number))


def wrong_manifest(manifest: Manifest, name: str, number: int) -> str:
    """Why it is not that of this version, or ""."""
    if (manifest.name, manifest.version) == (name, str(number)):
        return ""
    return f"{manifest.path} is the manifest of {manifest.name!r} version {manifest.version!r}"
