"""The names of onnxruntime_pybind11_state."""

from engine.compat.onnxruntime.capi.onnxruntime_pybind11_state import *
