"""Ed25519 signatures of manifests, beside them in model.json.sig. Needs the package cryptography: engine[sign]."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine.errors import (
    FileNotFound,
    InvalidInput,
    InvalidSignature,
    ManifestChanged,
    MissingDependency,
    SignatureMissing,
    UntrustedKey,
)
from engine.manifest import SIGNATURE_SUFFIX

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT = "engine.signature.v1"
_SIGNED = b"engine manifest v1\n"
_LARGEST = 64 << 10

# A path of a PEM or OpenSSH file, the bytes of one, the 32 bytes of the key itself, or a key object of cryptography.
Key = str | os.PathLike[str] | bytes | object


def raw_public_keys(keys: Iterable[Key]) -> list[bytes]:
    """Their 32 bytes. InvalidInput for what is no public Ed25519 key."""
    if isinstance(keys, (str, bytes, os.PathLike)):
        raise InvalidInput("trusted_keys is a list of keys, not one key")
    found = [_raw_public_key(key) for key in keys]
    if not found:
        raise InvalidInput("trusted_keys is empty: no model could be loaded; None means that no signature is wanted")
    return found


def key_id(raw: bytes) -> str:
    """How messages and signatures name a key."""
    return "ed25519:" + hashlib.sha256(raw).hexdigest()[:16]


def sign(manifest: bytes, key: Key) -> tuple[bytes, str]:
    """What belongs into the file beside the manifest, and the key's id. key: a private key, not encrypted."""
    private = _private_key(key)
    said = {
        "format": FORMAT,
        "key": key_id(private.public_key().public_bytes_raw()),
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "signature": base64.b64encode(private.sign(_SIGNED + manifest)).decode(),
    }
    return (json.dumps(said, indent=2) + "\n").encode(), said["key"]


def check_signature(path: str, manifest: bytes, trusted: list[bytes]) -> str:
    """Checks the signature beside the manifest at `path`; returns the key's id.

    Raises SignatureMissing, UntrustedKey, ManifestChanged, InvalidSignature.
    """
    where = path + SIGNATURE_SUFFIX
    said = _signature(where, path)
    keys = {key_id(raw): raw for raw in trusted}
    if said["key"] not in keys:
        raise UntrustedKey(f"{where}: signed by {said['key'][:80]}; trusted are {', '.join(keys)}")
    found = hashlib.sha256(manifest).hexdigest()
    if found != said["manifest_sha256"]:
        raise ManifestChanged(f"{path}: the manifest has SHA-256 {found}, {said['manifest_sha256'][:80]} was signed")
    if not _verifies(keys[said["key"]], said["signature"], manifest):
        raise InvalidSignature(f"{where}: the signature is not one of {said['key']} for this manifest")
    return said["key"]


def _signature(where: str, manifest_path: str) -> dict[str, str]:
    try:
        with open(where, "rb") as file:
            data = file.read(_LARGEST)
    except OSError as error:
        raise SignatureMissing(f"{manifest_path}: there is no signature {where!r}: {error.strerror}") from None
    try:
        said = json.loads(data)
        if said["format"] != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        return {key: _text(said[key]) for key in ("key", "manifest_sha256", "signature")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidSignature(f"{where}: the signature is damaged: {type(error).__name__}: {error}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is wanted")
    return value


def _verifies(raw: bytes, signature: str, manifest: bytes) -> bool:
    exceptions, ed25519, _ = _cryptography()
    try:
        decoded = base64.b64decode(signature, validate=True)
        ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(decoded, _SIGNED + manifest)
    except (ValueError, exceptions.InvalidSignature):
        return False
    return True


def _raw_public_key(key: Key) -> bytes:
    if isinstance(key, (str, os.PathLike)):
        key = _file(key)
    if isinstance(key, bytes) and len(key) == 32:
        return key
    _, ed25519, serialization = _cryptography()
    if isinstance(key, bytes):
        openssh = key.startswith(b"ssh-")
        parse = serialization.load_ssh_public_key if openssh else serialization.load_pem_public_key
        try:
            key = parse(key)
        except Exception as error:
            raise InvalidInput(f"a trusted key is no public key: {error}") from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise InvalidInput(f"a trusted key is {type(key).__name__}; a public Ed25519 key is wanted")
    raw: bytes = key.public_bytes_raw()
    return raw


def _private_key(key: Key) -> Ed25519PrivateKey:
    if isinstance(key, (str, os.PathLike)):
        key = _file(key)
    _, ed25519, serialization = _cryptography()
    if isinstance(key, bytes):
        openssh = b"OPENSSH PRIVATE KEY" in key
        parse = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
        try:
            key = parse(key, None)
        except Exception as error:
            raise InvalidInput(f"the signing key is no unencrypted private key: {error}") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InvalidInput(f"the signing key is {type(key).__name__}; a private Ed25519 key is wanted")
    private: Ed25519PrivateKey = key
    return private


def _file(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise FileNotFound(f"key {os.fspath(path)!r} cannot be read: {error.strerror}") from None


def _cryptography() -> tuple[Any, Any, Any]:
    try:
        from cryptography import exceptions
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise MissingDependency("signatures need the package cryptography: pip install engine[sign]") from None
    return exceptions, ed25519, serialization
