"""Thread-local data of the extension is there from the start of a thread, and takes little of the room that all libraries share."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from engine import _core

MOST = 64  # bytes; a process has room for some 1600 of all libraries that are loaded at run time


def readelf(*options):
    return subprocess.run(["readelf", *options, pathlib.Path(_core.__file__)], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("readelf") is None, reason="ELF")
def test_thread_local_data_is_small_and_never_allocated_late():
    sizes = re.findall(r"^\s*TLS\s+(?:0x\S+\s+){4}(0x\S+)", readelf("-lW"), re.MULTILINE)
    assert sum(int(size, 16) for size in sizes) <= MOST
    if "GLIBC" in readelf("-VW"):
        assert "STATIC_TLS" in readelf("-dW")
        relocations = readelf("-rW")
        assert not re.search(r"DTPMOD|TLSDESC", relocations)
        # Another library's data may have been placed elsewhere already: then the import would fail.
        assert not re.search(r"TPOFF64\s+[0-9a-f]+\s+\w*_Z", relocations)
