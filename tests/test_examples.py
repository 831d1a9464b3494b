"""What README.md and examples/ show works; test_docs.py has the pages of docs/."""

import hashlib
import pathlib
import re
import subprocess
import sys

import engine
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIGITS = ROOT / "examples" / "digits"


def test_demo():
    done = subprocess.run([sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "The model says: 7" in done.stdout
    assert engine.isa() in done.stdout


def test_first_example_of_the_readme():
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


def test_the_example_model_takes_a_batch_of_none():
    assert engine.load(DIGITS / "digits.onnx")(np.zeros((0, 8, 8), np.float32)).shape == (0, 10)


def test_what_the_example_models_page_states():
    text = (DIGITS / "README.md").read_text()
    digest = hashlib.sha256((DIGITS / "digits.onnx").read_bytes()).hexdigest()
    assert digest in text
    test = np.load(DIGITS / "test_set.npz")
    answers = engine.load(DIGITS / "digits.onnx", sha256=digest)(test["images"].astype(np.float32)).argmax(axis=1)
    assert f"({(answers == test['labels']).sum()} of {len(answers)})" in text
