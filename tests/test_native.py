"""Programs without Python, here without a sanitizer: `make tsan` and `make asan` run them at length."""

import os
import pathlib
import subprocess

import pytest
from engine import _testing

BUILD = pathlib.Path(_testing.__file__).resolve().parents[2]

SHARED = pytest.param("cache_stress 20", marks=pytest.mark.skipif(os.name != "posix", reason="nothing is shared there"))


@pytest.mark.parametrize("program", ["model_stress 8", "common_packs 3", SHARED, "allocation_failures 3", "allocation_failures 7 2"])
def test_program(program):
    name, *args = program.split()
    done = subprocess.run([BUILD / name, *args], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
