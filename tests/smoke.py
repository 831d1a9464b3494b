"""What an installed wheel must do, with NumPy alone: python tests/smoke.py"""

import hashlib
import importlib.util
import pathlib
import subprocess
import sys

import engine
import numpy as np

DIGITS = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits"


def check_answers() -> None:
    path = DIGITS / "digits.onnx"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    model = engine.load(path, sha256=digest)
    test = np.load(DIGITS / "test_set.npz")
    scores = model.run({"image": test["images"].astype(np.float32)}, timeout=60)["scores"]
    right = (scores.argmax(axis=1) == test["labels"]).mean()
    assert right > 0.99, right
    assert model.digest == f"sha256:{digest}"


def check_errors() -> None:
    try:
        engine.load(b"no model")
    except engine.InvalidModel:
        return
    raise AssertionError("bytes that are no model were loaded")


def check_front() -> None:
    import engine.compat.onnxruntime as ort

    session = ort.InferenceSession(str(DIGITS / "digits.onnx"), providers=["CPUExecutionProvider"])
    image = np.load(DIGITS / "sample.npy")[np.newaxis]
    assert session.run(None, {"image": image})[0].argmax() == 7


def check_command_line() -> None:
    command = [sys.executable, "-m", "engine", "verify", str(DIGITS / "digits.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "sha256:" in done.stdout


def check_contents() -> None:
    folder = pathlib.Path(engine.__file__).parent
    assert (folder / "py.typed").exists()
    assert (folder / "_core.pyi").exists()
    assert importlib.util.find_spec("engine._testing") is None
    assert not list(folder.rglob("*.pyx"))
    assert (folder / "custom_op.pxd").exists()
    assert (pathlib.Path(engine.get_include()) / "engine" / "custom_op.h").exists()


if __name__ == "__main__":
    check_answers()
    check_errors()
    check_front()
    check_command_line()
    if "--source" not in sys.argv:
        check_contents()
    print(f"engine {engine.__version__} works: {engine.isa()}, {engine.cpus()} CPUs, NumPy {np.__version__}")
