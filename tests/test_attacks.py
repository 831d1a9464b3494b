"""Hostile files: one clear error each, soon, and in little memory. attacks/README.md says what they try."""

from __future__ import annotations

import pathlib
import resource
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "attacks"))

from attacks import ATTACKS

MOST_SECONDS = 10
MOST_BYTES = 1 << 30

READ = """
import resource, sys
sys.path[:0] = {path!r}
from engine import _testing
data = open({file!r}, "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    _testing.read_model_only(data)
except _testing.ReadError as problem:
    print(*problem.args, sep="\\n")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name, tmp_path):
    file = tmp_path / "attack.onnx"
    file.write_bytes(ATTACKS[name]())
    source = READ.format(path=sys.path, file=str(file))
    began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    code, message, kilobytes = done.stdout.splitlines()
    assert code == "InvalidModel", message
    assert message
    assert int(kilobytes) * 1024 < MOST_BYTES
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began < MOST_SECONDS
