"""Manifests: what is packed is what loads, and nothing else does."""

import hashlib
import json
import os
import pathlib
import shutil

import engine
import pytest
from artefacts import answer, edit, external_model, flip, packed, weights, write_external
from engine.cli import main
from engine.manifest import LARGEST

DIGITS = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits"


@pytest.fixture
def folder(tmp_path):
    return packed(tmp_path / "m", version=7)


def test_what_is_written(folder):
    (folder / ".hidden").write_text("x")
    (folder / "sub").mkdir()
    (folder / "sub" / "labels.txt").write_text("cat")
    manifest = engine.pack(folder, name="m", version="2026.11")
    files = {file.path: (file.size, file.sha256) for file in manifest.files}
    for path in ("model.onnx", "w.bin", "sub/labels.txt"):
        data = (folder / path).read_bytes()
        assert files.pop(path) == (len(data), hashlib.sha256(data).hexdigest())
    assert not files
    said = json.loads((folder / "model.json").read_text())
    assert (said["name"], said["version"], said["model"]) == ("m", "2026.11", "model.onnx")
    assert manifest.digest == "sha256:" + hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    assert sorted(os.listdir(folder)) == [".hidden", "model.json", "model.onnx", "sub", "w.bin"]


def test_of_a_file_only_what_it_reads_and_what_is_named(tmp_path):
    write_external(tmp_path)
    (tmp_path / "labels.txt").write_text("cat")
    (tmp_path / "other.txt").write_text("dog")
    manifest = engine.pack(tmp_path / "model.onnx", name="m", version=1, files=[tmp_path / "labels.txt"])
    assert [file.path for file in manifest.files] == ["labels.txt", "model.onnx", "w.bin"]
    with pytest.raises(engine.InvalidInput, match="not below"):
        engine.pack(tmp_path / "model.onnx", name="m", version=1, files=["/etc/passwd"])


@pytest.mark.parametrize("how", ["folder", "manifest", "text"])
def test_load(folder, how):
    source = {"folder": folder, "manifest": folder / "model.json", "text": str(folder) + "/"}[how]
    model = engine.load(source)
    assert answer(model) == 1.0
    assert (model.name, model.manifest.version) == ("m", "7")
    assert model.digest == "sha256:" + hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    assert engine.load(folder, name="other").name == "other"
    assert engine.load(folder / "model.onnx").manifest is None


def test_the_folder_moves_with_its_files(folder, tmp_path):
    shutil.move(folder, tmp_path / "elsewhere")
    assert answer(engine.load(tmp_path / "elsewhere")) == 1.0


def test_a_tampered_model(folder):
    before = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    flip(folder / "model.onnx")
    after = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    with pytest.raises(engine.DigestMismatch) as caught:
        engine.load(folder)
    for part in (str(folder / "model.onnx"), before, after):
        assert part in str(caught.value)


@pytest.mark.parametrize("size", ["small", "mapped"])
def test_a_tampered_external_file(tmp_path, size):
    folder = write_external(tmp_path / "m")
    if size == "mapped":
        with open(folder / "w.bin", "ab") as file:
            file.truncate(65 << 20)
    engine.pack(folder, name="m", version=1)
    before = hashlib.sha256((folder / "w.bin").read_bytes()).hexdigest()
    assert answer(engine.load(folder)) == 1.0
    flip(folder / "w.bin")
    after = hashlib.sha256((folder / "w.bin").read_bytes()).hexdigest()
    with pytest.raises(engine.DigestMismatch, match="external data 'w.bin'") as caught:
        engine.load(folder)
    for part in (str(folder / "w.bin"), before, after):
        assert part in str(caught.value)
    engine.load(folder / "model.onnx")  # nobody asked


def test_an_external_file_that_is_not_listed(folder):
    """The model may not be led to other files than those that were packed."""
    (folder / "v.bin").write_bytes(weights(1.0))
    (folder / "model.onnx").write_bytes(external_model("v.bin"))
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    edit(folder / "model.json", lambda said: said["files"][0].update(sha256=digest))
    with pytest.raises(engine.DigestMismatch, match="'v.bin'.*not among the files"):
        engine.load(folder)


@pytest.mark.parametrize("link", ["symbolic", "hard"])
def test_a_file_in_anothers_place(tmp_path, link):
    """Two listed files, one a link to the other: each place has its own digest."""
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(external_model("a.bin", "b.bin"))
    (folder / "a.bin").write_bytes(weights(1.0))
    (folder / "b.bin").write_bytes(weights(2.0))
    engine.pack(folder, name="m", version=1)
    assert answer(engine.load(folder)) == 3.0
    (folder / "b.bin").unlink()
    if link == "symbolic":
        (folder / "b.bin").symlink_to("a.bin")
    else:
        os.link(folder / "a.bin", folder / "b.bin")
    with pytest.raises(engine.DigestMismatch, match=r"external data 'b\.bin'"):
        engine.load(folder, external_data=[folder])


def test_locations_are_compared_plainly(tmp_path):
    folder = tmp_path / "m"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(external_model("./a.bin", "sub//b.bin"))
    (folder / "a.bin").write_bytes(weights(1.0))
    (folder / "sub" / "b.bin").write_bytes(weights(2.0))
    manifest = engine.pack(folder / "model.onnx", name="m", version=1)
    assert [file.path for file in manifest.files] == ["a.bin", "model.onnx", "sub/b.bin"]
    assert answer(engine.load(folder)) == 3.0
    flip(folder / "sub" / "b.bin")
    with pytest.raises(engine.DigestMismatch, match="sub/b.bin"):
        engine.load(folder)


def test_a_file_that_is_missing(folder):
    (folder / "w.bin").unlink()
    with pytest.raises(engine.FileNotFound, match=r"w\.bin"):
        engine.load(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(engine.FileNotFound, match=r"model\.onnx"):
        engine.load(folder)
    (folder / "model.json").unlink()
    with pytest.raises(engine.FileNotFound, match=r"model\.json"):
        engine.load(folder)


def test_the_manifests_own_digest(folder):
    digest = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    for text in (digest, digest.upper(), f"sha256:{digest}"):
        engine.load(folder, sha256=text)
    edit(folder / "model.json", lambda said: said.update(version="8"))
    with pytest.raises(engine.DigestMismatch, match="the manifest has SHA-256") as caught:
        engine.load(folder, sha256=digest)
    assert digest in str(caught.value)
    assert str(folder / "model.json") in str(caught.value)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda said: said.update(format="other"), "format"),
        (lambda said: said.pop("format"), "format"),
        (lambda said: said.pop("files"), "'files'"),
        (lambda said: said.update(files={}), "'files'"),
        (lambda said: said.update(name=3), "'name'"),
        (lambda said: said.update(name=".."), "name"),
        (lambda said: said.update(name="a/b"), "name"),
        (lambda said: said.update(version=""), "version"),
        (lambda said: said.update(model="other.onnx"), "not among its files"),
        (lambda said: said["files"].append(3), "no object"),
        (lambda said: said["files"].append(said["files"][0]), "twice"),
        (lambda said: said["files"][0].update(path="../model.onnx"), "below"),
        (lambda said: said["files"][0].update(path="/etc/passwd"), "below"),
        (lambda said: said["files"][0].update(path="a//b"), "below"),
        (lambda said: said["files"][0].update(path="a\\b"), "below"),
        (lambda said: said["files"][0].update(path="C:x"), "below"),
        (lambda said: said["files"][0].update(path="a\0b"), "below"),
        (lambda said: said["files"][0].update(size=-1), "size"),
        (lambda said: said["files"][0].update(size=True), "size"),
        (lambda said: said["files"][0].update(size="1"), "'size'"),
        (lambda said: said["files"][0].update(sha256="ab"), "SHA-256"),
        (lambda said: said["files"][0].update(sha256="A" * 64), "SHA-256"),
    ],
)
def test_malformed_manifests(folder, change, part):
    edit(folder / "model.json", change)
    with pytest.raises(engine.InvalidManifest, match=part) as caught:
        engine.load(folder)
    assert str(caught.value).startswith(str(folder / "model.json"))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000, b'{"name": 1, "name": 2}', b" " * (LARGEST + 1)])
def test_what_is_no_manifest(folder, data):
    (folder / "model.json").write_bytes(data)
    with pytest.raises(engine.InvalidManifest):
        engine.load(folder)


def test_truncation_at_every_byte(folder):
    data = (folder / "model.json").read_bytes().rstrip()
    for length in range(len(data)):
        (folder / "model.json").write_bytes(data[:length])
        with pytest.raises(engine.InvalidManifest):
            engine.load(folder)


def test_other_files_are_read_checked(folder):
    (folder / "labels.txt").write_text("cat")
    engine.pack(folder, name="m", version=1)
    manifest = engine.load(folder).manifest
    assert manifest.read("labels.txt") == b"cat"
    manifest.check_files()
    with pytest.raises(engine.InvalidInput, match="lists no file"):
        manifest.read("other.txt")
    (folder / "labels.txt").write_text("dog")
    for read in (lambda: manifest.read("labels.txt"), manifest.check_files):
        with pytest.raises(engine.DigestMismatch, match=r"labels\.txt"):
            read()


def test_reload(folder, tmp_path):
    model = engine.load(folder)
    packed(tmp_path / "new", 2.0, name="n", version=8)
    model.reload(tmp_path / "new")
    assert (answer(model), model.manifest.version, model.name) == (2.0, "8", "m")
    flip(tmp_path / "new" / "w.bin")
    with pytest.raises(engine.DigestMismatch):
        model.reload(tmp_path / "new")
    assert answer(model) == 2.0
    assert model.stats()["events"]["loads_failed"] == 1
    model.rollback()
    assert (answer(model), model.manifest.version) == (1.0, "7")


def test_a_table_of_digests(folder):
    table = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("model.onnx", "w.bin")}
    assert answer(engine.load(folder / "model.onnx", sha256=table)) == 1.0
    for name in table:
        with pytest.raises(engine.DigestMismatch, match=name.replace(".", r"\.")):
            engine.load(folder / "model.onnx", sha256={**table, name: "0" * 64})
    with pytest.raises(engine.DigestMismatch, match="not among"):
        engine.load(folder / "model.onnx", sha256={"model.onnx": table["model.onnx"]})
    with pytest.raises(engine.InvalidInput, match="no digest for"):
        engine.load(folder / "model.onnx", sha256={"w.bin": table["w.bin"]})
    with pytest.raises(engine.InvalidInput, match="model.json alone"):
        engine.load(folder, sha256=table)


def test_digests_of_external_files_on_request(folder):
    found = engine.load(folder / "model.onnx", hash_files=True).external_files
    digest = hashlib.sha256((folder / "w.bin").read_bytes()).hexdigest()
    assert found == {"w.bin": (str((folder / "w.bin").resolve()), 64 * 64 * 4, digest)}
    assert engine.load(folder / "model.onnx").external_files["w.bin"][2] == ""


def test_what_does_not_load_is_not_packed(tmp_path):
    with pytest.raises(engine.FileNotFound, match=r"no model\.onnx"):
        engine.pack(tmp_path, name="m", version=1)
    (tmp_path / "a.onnx").write_bytes(b"no model")
    with pytest.raises(engine.InvalidModel):
        engine.pack(tmp_path, name="m", version=1)
    shutil.copy(DIGITS / "digits.onnx", tmp_path / "a.onnx")
    for name, version in (("", 1), ("a/b", 1), ("m", "..")):
        with pytest.raises(engine.InvalidInput):
            engine.pack(tmp_path, name=name, version=version)
    assert not (tmp_path / "model.json").exists()
    assert engine.pack(tmp_path, name="m", version=1).model == "a.onnx"
    (tmp_path / "b.onnx").write_bytes(b"")
    with pytest.raises(engine.InvalidInput, match=r"a\.onnx, b\.onnx"):
        engine.pack(tmp_path, name="m", version=1)


def test_command_line(tmp_path, capsys):
    folder = write_external(tmp_path / "m")
    (folder / "labels.txt").write_text("cat")
    assert main(["pack", str(folder), "--name", "m", "--version", "3"]) == 0
    out = capsys.readouterr().out
    assert "labels.txt" in out
    assert "m version 3" in out
    assert main(["verify", str(folder)]) == 0
    assert "all 3 files are as listed" in capsys.readouterr().out
    (folder / "labels.txt").write_text("dog")
    assert main(["verify", str(folder)]) == 1
    assert "DigestMismatch" in capsys.readouterr().err
    assert main(["pack", str(tmp_path / "none.onnx"), "--name", "m", "--version", "3"]) == 1
    assert main(["inspect", str(folder)]) == 0
