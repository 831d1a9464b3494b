"""python -m engine.compat.onnxruntime: programs as they are."""

import json
import subprocess
import sys

import engine
import fronting
import pytest

PROGRAM = """
import importlib.metadata, json, sys
import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as state
from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument
import onnxruntime.capi._pybind_state

session = ort.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(y,) = session.run(["y"], {"x": np.ones((1, 4), np.float32)})
try:
    session.run(None, {"x": np.ones(4, np.float32)})
except InvalidArgument as error:
    assert isinstance(error, state.InvalidArgument)
print(json.dumps({
    "y": y.tolist(), "argv": sys.argv, "path": sys.path[0], "name": __name__, "build": ort.get_build_info(),
    "version": importlib.metadata.version("onnxruntime") == ort.__version__, "same": InferenceSession is ort.InferenceSession,
    "main": sys.modules["__main__"].__file__,
}))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.onnx").write_bytes(fronting.product())
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "__main__.py").write_text(PROGRAM)
    return tmp_path


def served(*arguments, folder, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "engine.compat.onnxruntime", *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("form", [["program.py"], ["-m", "program"], ["packed"]], ids=["file", "module", "folder"])
def test_runs(folder, form):
    told = json.loads(served(*form, "model.onnx", "--flag", folder=folder).stdout)
    assert told["y"] == [[1, 1, 1, 1]]
    assert told["argv"][1:] == ["model.onnx", "--flag"]
    assert told["name"] == "__main__"
    assert told["build"].startswith(f"engine {engine.__version__}")
    assert told["version"]
    assert told["same"]
    assert told["main"].endswith(".py")
    if form == ["program.py"]:
        assert told["argv"][0] == "program.py"
        assert told["path"] == str(folder.resolve())


def test_exit_codes(folder):
    (folder / "fails.py").write_text("import sys; sys.exit(3)")
    served("fails.py", folder=folder, code=3)
    (folder / "raises.py").write_text("import onnxruntime\n\n\ndef f():\n    raise ValueError('mine')\n\n\nf()\n")
    told = served("raises.py", folder=folder, code=1).stderr
    assert "raises.py" in told
    assert "ValueError: mine" in told
    assert "can't open file" in served("nowhere.py", folder=folder, code=1).stderr
    assert "usage:" in served(folder=folder, code=2).stdout


def test_parts_that_there_are_not(folder):
    """Not taken from another installation either."""
    (folder / "quantizes.py").write_text("import onnxruntime.quantization")
    told = served("quantizes.py", folder=folder, code=1).stderr
    assert "No module named 'onnxruntime.quantization': engine.compat.onnxruntime runs models" in told


SPAWNS = """
import concurrent.futures, multiprocessing, sys
import onnxruntime as ort


def build(_):
    return ort.get_build_info()


if __name__ == "__main__":
    for method in ("spawn", "forkserver", "fork"):
        context = multiprocessing.get_context(method)
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            print(list(pool.map(build, [0]))[0])
"""


def test_worker_processes(folder):
    (folder / "spawns.py").write_text(SPAWNS)
    told = served("spawns.py", folder=folder).stdout.splitlines()
    assert len(told) == 3
    assert all(line.startswith("engine ") for line in told)


def test_refuses_to_replace(folder):
    pytest.importorskip("onnxruntime")
    (folder / "late.py").write_text("import onnxruntime\nfrom engine.compat.onnxruntime import alias\nalias.serve()\n")
    done = subprocess.run([sys.executable, folder / "late.py"], capture_output=True, text=True, timeout=120)
    assert "onnxruntime was imported before" in done.stderr
