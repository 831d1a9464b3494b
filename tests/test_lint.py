"""Types and style of what is shipped: mypy --strict and ruff pass."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "command",
    [
        ["mypy", "--no-error-summary"],
        ["ruff", "check", "--no-cache", "src", "tools", "examples", "docs/conf.py", "docs/extensions"],
        ["ruff", "format", "--no-cache", "--check", "src", "tools", "examples", "docs/conf.py", "docs/extensions"],
    ],
    ids=["mypy", "ruff check", "ruff format"],
)
def test_passes(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
