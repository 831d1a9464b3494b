"""Real models at every level of optimisation against stored answers.

ENGINE_ZOO names a folder of NAME/model.onnx with NAME/cases/*.npz (keys in:INPUT and out:OUTPUT). ENGINE_ZOO_MODELS, a regular expression, picks some.
"""

import json
import os
import pathlib
import re

import engine
import numpy as np
import pytest

ZOO = os.environ.get("ENGINE_ZOO")
PICK = os.environ.get("ENGINE_ZOO_MODELS", "")


def model_folders():
    if ZOO is None:
        return []
    return sorted(path.parent for path in pathlib.Path(ZOO).glob("*/model.onnx") if re.search(PICK, path.parent.name))


def as_array(value):
    """A list of maps, as classifiers give it, becomes a matrix of the values."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([[row[key] for key in sorted(row)] for row in value])
    return np.asarray(value)


def agrees(want, got, rms_bound):
    """Floats within 0.2 % of the output's largest magnitude, or within the bound on the relative RMS error where one is given (rounding may
    flip quantised values); integers in 99 % of places; strings and shapes exactly."""
    if got.shape != want.shape:
        return False
    if want.dtype.kind in "OUS":
        return bool((got.astype(str) == want.astype(str)).all())
    if want.dtype.kind in "iub":
        return want.size == 0 or float(np.mean(got != want)) <= 0.01
    want, got = want.astype(np.float64), got.astype(np.float64)
    finite = np.isfinite(want)
    if rms_bound is not None:
        error = np.sqrt(((got - want)[finite] ** 2).sum())
        return bool((np.isfinite(got) == finite).all()) and error <= rms_bound * max(np.sqrt((want[finite] ** 2).sum()), 1e-12)
    scale = max(float(np.abs(want[finite]).max()), 1e-6) if finite.any() else 1.0
    return bool(np.allclose(got, want, rtol=2e-3, atol=2e-3 * scale, equal_nan=True))


@pytest.mark.skipif(ZOO is None, reason="ENGINE_ZOO names no folder of models")
def test_the_zoo_is_there():
    assert model_folders(), f"no NAME/model.onnx in {ZOO}"


@pytest.mark.parametrize("level", ["off", "cheap", "all"])
@pytest.mark.parametrize("folder", model_folders(), ids=lambda folder: folder.name)
def test_answers(folder, level):
    bounds_file = folder / "tolerance.json"
    bounds = json.loads(bounds_file.read_text()) if bounds_file.exists() else {}
    model = engine.load(folder / "model.onnx", optimize=level, allow_random=True)
    compared = 0
    for case in sorted((folder / "cases").glob("*.npz")):
        stored = np.load(case, allow_pickle=False)
        wanted = {key[4:]: stored[key] for key in stored.files if key.startswith("out:")}
        if not wanted:
            continue
        got = model.run({key[3:]: stored[key] for key in stored.files if key.startswith("in:")})
        bad = [name for name, want in wanted.items() if not agrees(want, as_array(got[name]), bounds.get(name))]
        assert not bad, f"{case.name}: {bad} differ"
        compared += len(wanted)
    assert compared, "no case has answers"
