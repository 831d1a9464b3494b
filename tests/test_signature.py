"""Signatures of manifests: what is tampered with is refused, each part with its own message."""

import base64
import json
import shutil
import subprocess
import sys

import engine
import pytest
from artefacts import answer, edit, flip, packed
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from engine.cli import main
from engine.signature import key_id


class Keys:
    def __init__(self, folder):
        self.private = ed25519.Ed25519PrivateKey.generate()
        self.public = self.private.public_key()
        self.raw = self.public.public_bytes_raw()
        self.id = key_id(self.raw)
        none = serialization.NoEncryption()
        pem, openssh = serialization.Encoding.PEM, serialization.Encoding.OpenSSH
        self.pem = self.private.private_bytes(pem, serialization.PrivateFormat.PKCS8, none)
        self.ssh = self.private.private_bytes(pem, serialization.PrivateFormat.OpenSSH, none)
        self.public_pem = self.public.public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.public_ssh = self.public.public_bytes(openssh, serialization.PublicFormat.OpenSSH)
        folder.mkdir()
        self.private_path, self.public_path = folder / "key.pem", folder / "public.pem"
        self.private_path.write_bytes(self.pem)
        self.public_path.write_bytes(self.public_pem)


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path / "keys")


@pytest.fixture
def other(tmp_path):
    return Keys(tmp_path / "others")


@pytest.fixture
def folder(tmp_path, keys):
    return packed(tmp_path / "m", sign_with=keys.private_path)


def test_load(folder, keys, other):
    model = engine.load(folder, trusted_keys=[other.public_path, keys.public_path])
    assert answer(model) == 1.0
    assert model.manifest.signed_by == keys.id
    assert engine.load(folder).manifest.signed_by is None


def test_forms_of_keys(tmp_path, keys):
    for number, key in enumerate([keys.private_path, str(keys.private_path), keys.pem, keys.ssh, keys.private]):
        folder = packed(tmp_path / str(number), sign_with=key)
        for trusted in (keys.public_path, str(keys.public_path), keys.public_pem, keys.public_ssh, keys.raw, keys.public):
            engine.load(folder, trusted_keys=[trusted])


def test_a_tampered_manifest(folder, keys):
    edit(folder / "model.json", lambda said: said.update(version="2"))
    with pytest.raises(engine.ManifestChanged, match=r"model\.json: the manifest has SHA-256 .* was signed"):
        engine.load(folder, trusted_keys=[keys.public])


def test_a_manifest_that_was_signed_by_nobody(folder, keys):
    """Whoever changes the digest in the signature too gets no further."""
    import hashlib

    edit(folder / "model.json", lambda said: said.update(version="2"))
    digest = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    edit(folder / "model.json.sig", lambda said: said.update(manifest_sha256=digest))
    with pytest.raises(engine.InvalidSignature, match="is not one of"):
        engine.load(folder, trusted_keys=[keys.public])


def test_a_tampered_signature(folder, keys):
    signature = base64.b64decode(json.loads((folder / "model.json.sig").read_text())["signature"])
    for at in (0, 31, 32, 63):
        changed = bytearray(signature)
        changed[at] ^= 1
        text = base64.b64encode(changed).decode()
        edit(folder / "model.json.sig", lambda said, text=text: said.update(signature=text))
        with pytest.raises(engine.InvalidSignature, match="is not one of"):
            engine.load(folder, trusted_keys=[keys.public])


@pytest.mark.parametrize("text", ["", "AAAA", "!", "é", "A" * 87])
def test_signatures_of_the_wrong_form(folder, keys, text):
    edit(folder / "model.json.sig", lambda said: said.update(signature=text))
    with pytest.raises(engine.InvalidSignature):
        engine.load(folder, trusted_keys=[keys.public])


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"3", b"\xff", b'{"format": "engine.signature.v1"}', b"[" * 60_000])
def test_damaged_signature_files(folder, keys, data):
    (folder / "model.json.sig").write_bytes(data)
    with pytest.raises(engine.InvalidSignature, match="damaged"):
        engine.load(folder, trusted_keys=[keys.public])


def test_an_unknown_key(folder, keys, other):
    with pytest.raises(engine.UntrustedKey) as caught:
        engine.load(folder, trusted_keys=[other.public])
    assert keys.id in str(caught.value)
    assert other.id in str(caught.value)


def test_the_name_of_a_trusted_key_does_not_help(folder, keys, other):
    edit(folder / "model.json.sig", lambda said: said.update(key=other.id))
    with pytest.raises(engine.InvalidSignature):
        engine.load(folder, trusted_keys=[other.public, keys.public])


def test_no_signature(folder, keys):
    (folder / "model.json.sig").unlink()
    with pytest.raises(engine.SignatureMissing, match="there is no signature"):
        engine.load(folder, trusted_keys=[keys.public])


def test_what_cannot_be_signed(folder, keys):
    for source in (folder / "model.onnx", (folder / "model.onnx").read_bytes()):
        with pytest.raises(engine.SignatureMissing, match=r"signed model\.json"):
            engine.load(source, trusted_keys=[keys.public])


@pytest.mark.parametrize("file", ["model.onnx", "w.bin"])
def test_a_signed_manifest_vouches_for_the_files(folder, keys, file):
    flip(folder / file)
    with pytest.raises(engine.DigestMismatch, match=file.replace(".", r"\.")):
        engine.load(folder, trusted_keys=[keys.public])


def test_every_refusal_is_a_type_of_its_own():
    kinds = [engine.ManifestChanged, engine.InvalidSignature, engine.UntrustedKey, engine.SignatureMissing]
    for kind in kinds:
        assert issubclass(kind, engine.SignatureError)
        assert not any(issubclass(kind, other) for other in kinds if other is not kind)
    assert issubclass(engine.ManifestChanged, engine.DigestMismatch)


def test_reload_wants_what_load_wanted(folder, keys, other, tmp_path):
    model = engine.load(folder, trusted_keys=[keys.public])
    unsigned = packed(tmp_path / "unsigned", 2.0)
    foreign = packed(tmp_path / "foreign", 2.0, sign_with=other.private)
    for source, error in ((unsigned, engine.SignatureMissing), (foreign, engine.UntrustedKey)):
        with pytest.raises(error):
            model.reload(source)
    with pytest.raises(engine.SignatureMissing):
        model.reload(unsigned / "model.onnx")
    assert answer(model) == 1.0
    model.reload(foreign, trusted_keys=[other.public])
    assert answer(model) == 2.0


def test_packing_anew_without_a_key_takes_the_signature_away(folder, keys):
    engine.pack(folder, name="m", version=1)
    assert not (folder / "model.json.sig").exists()


@pytest.mark.parametrize("bad", ["not a path that exists", b"x", b"-----BEGIN PUBLIC KEY-----", 3, "private", "curve"])
def test_what_is_no_trusted_key(folder, keys, bad):
    if bad == "private":
        bad = keys.pem
    if bad == "curve":
        bad = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises((engine.InvalidInput, engine.FileNotFound)):
        engine.load(folder, trusted_keys=[bad])


def test_what_is_no_list_of_keys(folder, keys):
    for bad in ([], str(keys.public_path), keys.raw):
        with pytest.raises(engine.InvalidInput, match="trusted_keys"):
            engine.load(folder, trusted_keys=bad)


def test_what_is_no_signing_key(tmp_path, keys):
    encrypted = keys.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    for bad in (keys.public_pem, encrypted, b"", 3, ec.generate_private_key(ec.SECP256R1())):
        with pytest.raises(engine.InvalidInput):
            packed(tmp_path / "m", sign_with=bad)
    assert not (tmp_path / "m" / "model.json").exists()


def test_command_line(tmp_path, keys, other, capsys):
    folder = packed(tmp_path / "m")
    arguments = ["pack", str(folder), "--name", "m", "--version", "1", "--sign", str(keys.private_path)]
    assert main(arguments) == 0
    assert keys.id in capsys.readouterr().out
    assert main(["verify", str(folder), "--trusted-key", str(keys.public_path)]) == 0
    assert f"signed by {keys.id}" in capsys.readouterr().out
    assert main(["verify", str(folder), "--trusted-key", str(other.public_path)]) == 1
    assert "UntrustedKey" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_keys_as_the_help_says(tmp_path):
    key, public = str(tmp_path / "key.pem"), str(tmp_path / "public.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    engine.load(packed(tmp_path / "m", sign_with=key), trusted_keys=[public])


def test_without_the_package(folder, keys, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(engine.MissingDependency, match=r"engine\[sign\]"):
        engine.load(folder, trusted_keys=[keys.raw])
    assert answer(engine.load(folder)) == 1.0
