"""Making a manifest: engine.pack and engine pack."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.errors import FileNotFound, InvalidInput
from engine.manifest import FILE_NAME, SIGNATURE_SUFFIX, Manifest, ManifestFile, check_label, check_path, hash_file
from engine.model import load
from engine.signature import Key, sign


def pack(
    source: str | os.PathLike[str],
    *,
    name: str,
    version: str | int,
    sign_with: Key | None = None,
    files: Iterable[str | os.PathLike[str]] = (),
) -> Manifest:
    """Write a manifest (model.json) beside a model, which is loaded for that: what does not load is not packed.

    source: an ONNX file, which is listed with the external data that it reads; or a folder with a model.onnx, or one other .onnx
        file, of which all files are listed, hidden ones and folders apart.
    name, version: what the manifest says; a repository wants them to be the folders' names.
    sign_with: a private Ed25519 key (path of a PEM file, its bytes, or a key object): writes model.json.sig too.
    files: further files below the model's folder to list.

    The manifest is written last and by renaming: a folder that has one is whole. Raises what load raises; FileNotFound,
    InvalidInput, MissingDependency.
    """
    path, others = _model_and_others(os.fspath(source))
    folder = os.path.dirname(os.path.abspath(path))
    model = load(path, threads=1, warmup=False, optimize="off", allow_random=True, hash_files=True)
    listed = {os.path.basename(path): (os.path.getsize(path), model.digest.removeprefix("sha256:"))}
    listed.update({place: (size, sha256) for place, (_, size, sha256) in model.external_files.items()})
    model.close()
    for other in [*others, *(_below(folder, file) for file in files)]:
        if other not in listed:
            full = os.path.join(folder, other)
            listed[other] = os.path.getsize(full), hash_file(full)
    manifest = _manifest(folder, os.path.basename(path), name, str(version), listed)
    return _write(manifest, sign_with)


def _model_and_others(source: str) -> tuple[str, list[str]]:
    """The ONNX file, and, of a folder, all its files by their place."""
    if not os.path.isdir(source):
        return source, []
    others = sorted(_files(source))
    found = [other for other in others if other.endswith(".onnx") and "/" not in other]
    if "model.onnx" in found:
        found = ["model.onnx"]
    if not found:
        raise FileNotFound(f"folder {source!r} holds no model.onnx and no other .onnx file")
    if len(found) > 1:
        raise InvalidInput(f"folder {source!r} holds several models ({', '.join(found)}) and no model.onnx: name one")
    return os.path.join(source, found[0]), others


def _files(folder: str) -> Iterator[str]:
    ours = (FILE_NAME, FILE_NAME + SIGNATURE_SUFFIX)
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        place = os.path.relpath(at, folder).replace(os.sep, "/")
        for name in names:
            other = name if place == "." else f"{place}/{name}"
            if not name.startswith(".") and other not in ours and os.path.isfile(os.path.join(at, name)):
                yield other


def _below(folder: str, file: str | os.PathLike[str]) -> str:
    place = os.path.relpath(os.path.abspath(file), folder).replace(os.sep, "/")
    if place.startswith("../"):
        raise InvalidInput(f"file {os.fspath(file)!r} is not below the model's folder {folder!r}")
    return place


def _manifest(folder: str, model: str, name: str, version: str, listed: dict[str, tuple[int, str]]) -> Manifest:
    try:
        for place in listed:
            check_path(place)
        files = tuple(ManifestFile(place, *listed[place]) for place in sorted(listed))
        return Manifest(check_label(name, "name"), check_label(version, "version"), model, files, folder=folder)
    except ValueError as error:
        raise InvalidInput(str(error)) from None


def _write(manifest: Manifest, key: Key | None) -> Manifest:
    data = manifest.to_bytes()
    signature = manifest.path + SIGNATURE_SUFFIX
    signed_by = None
    if key is not None:
        signed, signed_by = sign(data, key)
        _replace(signature, signed)
    elif os.path.exists(signature):
        os.unlink(signature)
    _replace(manifest.path, data)
    return replace(manifest, digest=f"sha256:{hashlib.sha256(data).hexdigest()}", signed_by=signed_by)


def _replace(path: str, data: bytes) -> None:
    """Whole or not at all, also when the machine stops."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
