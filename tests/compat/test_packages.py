"""Packages that were written against ONNX Runtime, as they are, on the front: the same answers as on ONNX Runtime."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"


def run(program, *runner):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *runner, PROGRAMS / program], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])["answers"]


def both(program, *needed):
    for name in ("onnxruntime", *needed):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    return run(program, "-m", "engine.compat.onnxruntime"), run(program)


def near(found, wanted):
    assert found == pytest.approx(wanted, rel=0, abs=2e-4)


def test_magika():
    front, runtime = both("content_types.py", "magika")
    assert [labels[:2] for labels in front] == [labels[:2] for labels in runtime]
    near([score for *_, score in front], [score for *_, score in runtime])
    assert front[0][1] == "markdown"


def test_rapidocr():
    front, runtime = both("read_text.py", "rapidocr")
    assert front["texts"] == runtime["texts"]
    assert "Deadlines are kept" in front["texts"]
    near(front["scores"], runtime["scores"])
    np.testing.assert_allclose(front["boxes"], runtime["boxes"], rtol=0, atol=1)  # pixels


def test_silero_vad():
    """torch is large: it is not among what the tests install. make test-packages installs it."""
    front, runtime = both("find_speech.py", "silero_vad", "torch")
    assert front["stamps"] == runtime["stamps"]
    assert front["events"] == runtime["events"]
    assert front["blocks"] == runtime["blocks"]
    near(front["probabilities"], runtime["probabilities"])
    near(front["whole"], runtime["whole"])
    assert max(front["probabilities"]) > 0.9
    assert min(front["probabilities"]) < 0.1
