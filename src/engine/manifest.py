"""Manifests: the files that a model is made of, with their sizes and digests."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from engine.errors import DigestMismatch, FileNotFound, InvalidInput, InvalidManifest

FILE_NAME = "model.json"
SIGNATURE_SUFFIX = ".sig"
FORMAT = "engine.manifest.v1"
LARGEST = 16 << 20
_PART = 1 << 20


@dataclass(frozen=True)
class ManifestFile:
    """path: below the manifest's folder, with "/". sha256: 64 lower-case digits."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a manifest says. model: the path of the ONNX file, one of `files`; external data lies beside it.

    folder: where it was read, absolute. digest: "sha256:..." of the manifest's own bytes. signed_by: the key whose signature was
    checked, or None.
    """

    name: str
    version: str
    model: str
    files: tuple[ManifestFile, ...]
    folder: str = field(default="", compare=False)
    digest: str = ""
    signed_by: str | None = None

    @property
    def path(self) -> str:
        return os.path.join(self.folder, FILE_NAME)

    @property
    def model_path(self) -> str:
        return os.path.join(self.folder, self.model)

    def __getitem__(self, path: str) -> ManifestFile:
        for file in self.files:
            if file.path == path:
                return file
        raise InvalidInput(f"manifest {self.path!r} lists no file {path!r}")

    @property
    def external_sha256(self) -> dict[str, str]:
        """Digests of all files but the model, by their place below the model's folder."""
        folder, slash, _ = self.model.rpartition("/")
        below = folder + slash
        others = (file for file in self.files if file.path != self.model and file.path.startswith(below))
        return {file.path[len(below) :]: file.sha256 for file in others}

    def read(self, path: str) -> bytes:
        """The bytes of a listed file: exactly those that were checked. DigestMismatch, FileNotFound."""
        file = self[path]
        data = _read(os.path.join(self.folder, path), file.size + 1)
        _check(self, file, hashlib.sha256(data).hexdigest())
        return data

    def check_files(self, checked: Collection[str] = ()) -> None:
        """Reads every listed file but those. DigestMismatch for the first that is not as listed; FileNotFound."""
        for file in self.files:
            if file.path not in checked:
                _check(self, file, hash_file(os.path.join(self.folder, file.path)))

    def what_is_missing(self) -> str:
        """The first file that is not there in its full size, or "": looks at sizes alone."""
        for file in self.files:
            try:
                size = os.stat(os.path.join(self.folder, file.path)).st_size
            except OSError as error:
                return f"{file.path}: {error.strerror}"
            if size != file.size:
                return f"{file.path} has {size} of {file.size} bytes"
        return ""

    def to_bytes(self) -> bytes:
        files = [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in self.files]
        said = {"format": FORMAT, "name": self.name, "version": self.version, "model": self.model, "files": files}
        return (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode()


def _check(manifest: Manifest, file: ManifestFile, found: str) -> None:
    if found != file.sha256:
        path = os.path.join(manifest.folder, file.path)
        raise DigestMismatch(f"{path}: the file has SHA-256 {found}, expected {file.sha256} by {manifest.path}")


def hash_file(path: str) -> str:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while part := file.read(_PART):
                digest.update(part)
    except OSError as error:
        raise FileNotFound(f"file {path!r} cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def _read(path: str, most: int) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError as error:
        raise FileNotFound(f"file {path!r} cannot be read: {error.strerror}") from None


def read_manifest(path: str, sha256: str | None = None, trusted_keys: list[bytes] | None = None) -> Manifest:
    """path: a folder with a model.json, or such a file. sha256: the manifest's own digest.

    With trusted_keys (raw public keys) the signature beside it must be one of theirs. What is parsed are the bytes that were checked.
    Raises FileNotFound, DigestMismatch, SignatureError, InvalidManifest.
    """
    if os.path.isdir(path):
        path = os.path.join(path, FILE_NAME)
    data = _read(path, LARGEST + 1)
    if len(data) > LARGEST:
        raise InvalidManifest(f"{path}: a manifest has at most {LARGEST} bytes")
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and _plain(sha256) != digest:
        raise DigestMismatch(f"{path}: the manifest has SHA-256 {digest}, expected {_plain(sha256)}")
    signed_by = None
    if trusted_keys is not None:
        from engine.signature import check_signature

        signed_by = check_signature(path, data, trusted_keys)
    folder = os.path.dirname(os.path.abspath(path))
    return replace(parse_manifest(data, path), folder=folder, digest=f"sha256:{digest}", signed_by=signed_by)


def _plain(sha256: str) -> str:
    return sha256.lower().removeprefix("sha256:")


def parse_manifest(data: bytes, where: str) -> Manifest:
    """InvalidManifest, beginning with `where`, for what is not well-formed."""
    try:
        said = json.loads(data.decode("utf-8"), object_pairs_hook=_without_repetition)
        manifest = _manifest(said)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidManifest(f"{where}: {error or type(error).__name__}") from None
    return manifest


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _manifest(said: Any) -> Manifest:
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ValueError(f"this is no manifest of the format {FORMAT!r}")
    files = tuple(_file(file) for file in _member(said, "files", list))
    manifest = Manifest(
        check_label(_member(said, "name", str), "name"),
        check_label(_member(said, "version", str), "version"),
        _member(said, "model", str),
        files,
    )
    paths = [file.path for file in files]
    if len(set(paths)) != len(paths):
        raise ValueError("a file is listed twice")
    if manifest.model not in paths:
        raise ValueError(f"the model {manifest.model!r} is not among its files")
    return manifest


def _file(said: Any) -> ManifestFile:
    if not isinstance(said, dict):
        raise TypeError("an entry of files is no object")
    path, size, sha256 = _member(said, "path", str), _member(said, "size", int), _member(said, "sha256", str)
    check_path(path)
    if isinstance(size, bool) or size < 0:
        raise ValueError(f"file {path!r}: size {size} is no byte count")
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"file {path!r}: {sha256[:80]!r} is no SHA-256")
    return ManifestFile(path, size, sha256)


def _member(said: dict[str, Any], key: str, kind: type) -> Any:
    if not isinstance(said.get(key), kind):
        raise TypeError(f"{key!r} is missing, or no {kind.__name__}")
    return said[key]


def check_path(path: str) -> None:
    """ValueError unless it leads to a place below the folder, whatever the system."""
    parts = path.split("/")
    odd = any(ord(c) < 32 for c in path) or "\\" in path or re.match("[A-Za-z]:", path)
    if odd or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"path {path[:200]!r} does not stay below the manifest's folder")


def check_label(text: str, what: str) -> str:
    """A name or version: something that can be a folder. ValueError."""
    if not text or len(text) > 200 or text in (".", "..") or any(ord(c) < 32 or c in "/\\" for c in text):
        raise ValueError(f"{what} {text[:200]!r} is empty, too long, or holds what a folder's name cannot")
    return text
