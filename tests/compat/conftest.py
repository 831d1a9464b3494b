"""Each test that takes `ort` runs on the front and, where it is installed, on ONNX Runtime itself: what it asserts holds of both."""

import importlib

import pytest

FRONT = "engine.compat.onnxruntime"


@pytest.fixture(params=[FRONT, "onnxruntime"])
def ort(request):
    if request.param == FRONT:
        return importlib.import_module(FRONT)
    module = pytest.importorskip("onnxruntime")
    module.set_default_logger_severity(4)
    return module


@pytest.fixture
def errors(ort):
    """Where its exceptions are."""
    return importlib.import_module(f"{ort.__name__}.capi.onnxruntime_pybind11_state")
