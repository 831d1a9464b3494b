"""What load is given, resolved: the file or bytes that the core reads, and the digests that it holds them to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import InvalidInput, SignatureMissing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from engine.manifest import Manifest

Source = str | os.PathLike[str] | bytes | bytearray | memoryview
Digests = str | Mapping[str, str]


@dataclass(frozen=True)
class Resolved:
    """read: a path, or bytes. sha256: of that file. external_sha256: of its external data by location; others are then refused.

    None: any. manifest: where these came from, if from one.
    """

    read: Any
    sha256: str | None = None
    external_sha256: Mapping[str, str] | None = None
    manifest: Manifest | None = None


def path_of(source: Source) -> str | None:
    """None for bytes."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = os.fspath(source)
    if not isinstance(path, str):
        raise InvalidInput("a path is a str or an os.PathLike of str")
    return path


def leads_to_manifest(path: str | None) -> bool:
    """A folder, or a .json file."""
    return path is not None and (path.endswith(".json") or os.path.isdir(path))


def name_of(path: str | None) -> str:
    """model.onnx and model are no names; the folder above them is."""
    if path is None:
        return "model"
    stem = os.path.splitext(os.path.basename(path))[0]
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    return folder if stem == "model" and folder else stem


def resolve(source: Source, sha256: Digests | None, trusted_keys: list[bytes] | None) -> Resolved:
    """Reads and checks the manifest when the source is one. Raises as read_manifest does, and InvalidInput."""
    path = path_of(source)
    if path is not None and leads_to_manifest(path):
        if isinstance(sha256, Mapping):
            raise InvalidInput("sha256 of a manifest is the digest of model.json alone; that lists all the others")
        from engine.manifest import read_manifest

        manifest = read_manifest(path, sha256, trusted_keys)
        return Resolved(manifest.model_path, manifest[manifest.model].sha256, manifest.external_sha256, manifest)
    if trusted_keys is not None:
        what = "bytes" if path is None else f"{path!r}"
        raise SignatureMissing(f"trusted_keys are given: a folder with a signed model.json is wanted, not {what}")
    read = source if path is None else path
    if isinstance(sha256, Mapping):
        return _by_table(read, path, sha256)
    return Resolved(read, sha256)


def _by_table(read: Any, path: str | None, table: Mapping[str, str]) -> Resolved:
    name = "" if path is None else os.path.basename(path)
    if name not in table:
        raise InvalidInput(
            f"sha256 has no digest for {name!r}: it is a dict from file name to digest, the model's among them"
        )
    return Resolved(read, table[name], {key: value for key, value in table.items() if key != name})
