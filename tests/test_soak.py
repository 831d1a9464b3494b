"""Ten seconds of the soak."""

import os
import subprocess
import sys

import pytest
from subprocesses import FOLDER, PACKAGES


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_soak():
    program = os.path.join(FOLDER, "..", "tools", "soak.py")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(PACKAGES)}
    command = [sys.executable, "-X", "faulthandler", program, "--seconds", "10"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
