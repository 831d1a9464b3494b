"""What engine serve takes its models from: a file, a packed folder, a repository."""

import types

import engine
import pytest
from artefacts import packed, put, write_external
from engine.cli import serve
from engine.cli.main import build_parser
from servicing import wait_until

SIGNALS = types.SimpleNamespace(received=0)


def index_of(*arguments):
    """(name, version, state) of what such a server would answer for, once it is loaded."""
    library = serve._opener(build_parser().parse_args(["serve", *map(str, arguments)]), SIGNALS)()
    try:
        wait_until(lambda: library.ready)
        return [(name, str(version), state) for name, version, state, _ in library.index()]
    finally:
        library.close()


def test_sources(tmp_path):
    plain = write_external(tmp_path / "plain" / "1")
    assert index_of(plain / "model.onnx") == [("1", "1", "READY")]
    folder = packed(tmp_path / "packed" / "3", name="m", version=3)
    for source in (folder, folder / "model.json"):
        assert index_of(source) == [("m", "1", "READY")]
        assert index_of(source, "--name", "other") == [("other", "1", "READY")]
    put(tmp_path / "models", 7)
    assert index_of(tmp_path / "models") == [("m", "7", "READY")]


def test_signed(tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = ed25519.Ed25519PrivateKey.generate()
    public = tmp_path / "public.pem"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    put(tmp_path / "models", 1, sign_with=key)
    put(tmp_path / "models", 2)
    found = index_of(tmp_path / "models", "--trusted-key", public)
    assert found == [("m", "1", "READY"), ("m", "2", "UNAVAILABLE")]
    with pytest.raises(engine.SignatureMissing):
        library = serve._opener(
            build_parser().parse_args(["serve", str(tmp_path / "models" / "m" / "2"), "--trusted-key", str(public)]), SIGNALS
        )()
        library.model("m").wait_ready(60)
