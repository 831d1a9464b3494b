"""The example package is built with setuptools and its operators are used as a user would."""

import importlib
import pathlib
import shutil
import subprocess
import sys
import time

import building
import engine
import numpy as np
import pytest
from harness import one_node

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "custom_op"
DOMAIN = "example.audio"


def build(folder):
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("build", "*.so", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    building.run(*pip, "--no-build-isolation", "--no-deps", "--target", "site", "./source", cwd=folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder that the package is installed in."""
    return building.once(tmp_path_factory, "audio_ops", build) / "site"


@pytest.fixture(scope="module")
def reference(site):
    """The NumPy twins; the operators are registered."""
    sys.path.insert(0, str(site))
    try:
        package = importlib.import_module("audio_ops")
        for library in package.libraries():
            engine.register(library)
        yield importlib.import_module("audio_ops.reference")
    finally:
        sys.path.remove(str(site))


def log_mel_model(bank, **attrs):
    return one_node("LogMel", [np.zeros((1, 1), np.float32), bank], attrs, opset=1, domain=DOMAIN, constants=(1,))


@pytest.mark.parametrize(("size", "mels", "hop"), [(512, 40, 160), (64, 5, 7), (2, 1, 1), (2048, 128, 512)])
def test_log_mel(reference, size, mels, hop):
    bank = reference.mel_filterbank(mels, size)
    model = engine.load(log_mel_model(bank, hop=hop))
    rng = np.random.default_rng(size)
    for batch, samples in [(1, size), (2, 5 * size + 3), (0, size), (1, size - 1)]:
        x = rng.standard_normal((batch, samples)).astype(np.float32)
        got, want = model(x), reference.log_mel(x, bank, hop)
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)


def test_log_mel_has_the_same_bits_on_any_number_of_threads(reference):
    bank = reference.mel_filterbank(80, 512)
    x = np.random.default_rng(0).standard_normal((3, 80_000)).astype(np.float32)
    answers = [engine.load(log_mel_model(bank), threads=n)(x) for n in (1, 2, 4)]
    assert len({answer.tobytes() for answer in answers}) == 1


def test_log_mel_keeps_its_deadline(reference):
    """Ten minutes of sound, four times."""
    model = engine.load(log_mel_model(reference.mel_filterbank(128, 2048)), threads=2)
    x = np.zeros((4, 9_600_000), np.float32)
    began = time.perf_counter()
    with pytest.raises(engine.DeadlineExceeded):
        model.run({"x0": x}, timeout=0.05)
    assert time.perf_counter() - began < 0.5


def test_log_mel_refuses(reference):
    with pytest.raises(
        engine.InvalidModel, match=r"example\.audio\.LogMel\): the filterbank has 40 bins; a power of two"
    ):
        engine.load(log_mel_model(np.zeros((3, 40), np.float32)))
    with pytest.raises(engine.InvalidModel, match="hop is 0; at least 1 is wanted"):
        engine.load(log_mel_model(reference.mel_filterbank(3, 64), hop=0))


@pytest.mark.parametrize("attrs", [{}, {"buckets": 7, "least": 2, "most": 5}, {"buckets": 1, "most": 1}])
def test_ngrams(reference, attrs):
    texts = ["", "a", "the quick brown fox", "Größe", "x" * 300, "日本語"]
    model = engine.load(one_node("HashNGrams", [np.array(texts, object)], attrs, opset=1, domain=DOMAIN))
    np.testing.assert_array_equal(model(np.array(texts, object)), reference.hash_ngrams(texts, **attrs))
    assert model(np.array([], object)).shape == (0, attrs.get("buckets", 1024))


def test_ngrams_of_one_long_string_keep_their_deadline(reference):
    model = engine.load(one_node("HashNGrams", [np.array(["a"], object)], {"most": 60}, opset=1, domain=DOMAIN))
    text = np.array(["abcdefgh" * 4_000_000], object)
    began = time.perf_counter()
    with pytest.raises(engine.DeadlineExceeded):
        model.run({"x0": text}, timeout=0.1)
    assert time.perf_counter() - began < 1


def test_modules_are_libraries_too(site, reference):
    sys.path.insert(0, str(site))
    try:
        module = importlib.import_module("audio_ops._ngrams")
    finally:
        sys.path.remove(str(site))
    assert [operator.full_name for operator in engine.register(module)] == ["example.audio.HashNGrams"]


def test_found_by_its_entry_point(site, reference, tmp_path):
    """Installed is enough; nothing is looked for before a model needs it."""
    path = tmp_path / "model.onnx"
    path.write_bytes(log_mel_model(reference.mel_filterbank(40, 512)))
    text = """
import sys, engine
engine.load("examples/digits/digits.onnx")
assert "audio_ops" not in sys.modules and "engine.operators" not in sys.modules
print(sorted(engine.load(sys.argv[1]).operators), [o.name for o in engine.registered()])
"""
    command = [sys.executable, "-c", text, str(path)]
    done = subprocess.run(
        command, env=building.environment(site), cwd=SOURCE.parents[1], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['example.audio.LogMel'] ['HashNGrams', 'LogMel']\n"


def test_an_entry_point_that_fails(tmp_path):
    """It is told with the operator that nobody knows, and stops no other model."""
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[engine.operators]\nbroken = no_such_module:libraries\n")
    (tmp_path / "model.onnx").write_bytes(one_node("Foo", [np.zeros(1)], opset=1, domain="test.entry"))
    text = """
import engine
for _ in range(2):
    try:
        engine.load("model.onnx")
    except engine.UnsupportedOperator as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", text],
        env=building.environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    for line in lines:
        assert "test.entry.Foo (version 1)" in line
        assert "the entry point broken = no_such_module:libraries: ModuleNotFoundError" in line
