"""ONNX Runtime's interface on the engine: ``import engine.compat.onnxruntime as ort`` is all that a program changes.

``python -m engine.compat.onnxruntime PROGRAM ARGS`` runs a program that says ``import onnxruntime`` as it is.
docs/onnxruntime.md tells what is different, what has no effect, and what is refused.
"""

from engine.compat.onnxruntime import capi as capi
from engine.compat.onnxruntime.api import *
from engine.compat.onnxruntime.environment import VERSION as __version__  # noqa: F401
