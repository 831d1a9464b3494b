"""The shipped module talks to no network, starts no program and exports nothing but its entry point."""

import shutil
import subprocess

import pytest

from engine import _core

FORBIDDEN = {
    "socket", "connect", "bind", "listen", "accept", "accept4", "send", "sendto", "sendmsg", "recv", "recvfrom", "recvmsg",
    "getaddrinfo", "gethostbyname", "gethostbyname_r", "res_query", "inet_pton", "fork", "vfork", "execve", "execvp", "execv",
    "posix_spawn", "posix_spawnp", "system", "popen", "dlopen",
}  # fmt: skip

pytestmark = pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm")


def symbols(option):
    done = subprocess.run(["nm", "-D", option, _core.__file__], capture_output=True, text=True, check=True)
    return {line.split()[-1].partition("@")[0] for line in done.stdout.splitlines() if line.strip()}


def test_imports():
    found = symbols("--undefined-only")
    assert "PyErr_SetString" in found or "PyErr_SetObject" in found
    assert not found & FORBIDDEN


def test_exports():
    assert {name for name in symbols("--defined-only") if not name.startswith("_")} <= {"PyInit__core"}
    assert "PyInit__core" in symbols("--defined-only")
