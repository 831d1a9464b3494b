"""Importing beside other packages, in any order."""

import subprocess
import sys

import pytest

PROGRAM = """
import {first}, {second}
import numpy as np, engine, ml_dtypes
model = engine.load("examples/digits/digits.onnx")
assert model(np.zeros((1, 8, 8), np.float32)).shape == (1, 10)
"""


@pytest.mark.parametrize(("first", "second"), [("engine", "ml_dtypes"), ("ml_dtypes", "engine"), ("onnx", "engine")])
def test_order(first, second, pytestconfig):
    """Element types that another package registered with NumPy have numbers of their own."""
    program = PROGRAM.format(first=first, second=second)
    done = subprocess.run([sys.executable, "-c", program], cwd=pytestconfig.rootpath, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
