"""Stands for ONNX Runtime where engine.compat.onnxruntime.alias put this folder on the path."""

from engine.compat.onnxruntime.alias import serve

serve()
