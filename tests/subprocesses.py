"""Programs of their own for what a test cannot do to its own process."""

import os
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
PACKAGES = [FOLDER, *(path for path in sys.path if path)]


def start(program, *args, **options):
    """The process, whose output is a pipe of text."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(PACKAGES), **options.pop("env", {})}
    command = [sys.executable, "-X", "faulthandler", "-c", program, *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, **options)


def python(program, *args, status=0, timeout=120, **options):
    """What the program prints; it must end by itself and with that status."""
    process = start(program, *args, **options)
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
    return out
