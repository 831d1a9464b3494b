"""Names of ONNX Runtime that programs may import, and that do nothing but say so."""

from __future__ import annotations

from typing import Any

from engine.compat.onnxruntime.errors import not_supported


class _Refused:
    _why = ""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise not_supported(self._why)


class ModelCompiler(_Refused):
    _why = "models are not compiled to files: load the ONNX file"


class LoraAdapter(_Refused):
    _why = "LoRA adapters are not applied"

    def Load(self, path: str) -> None:
        raise not_supported(self._why)


class AdapterFormat(_Refused):
    _why = "LoRA adapters are neither read nor written"

    @staticmethod
    def read_adapter(path: str) -> AdapterFormat:
        return AdapterFormat()


class OrtExternalInitializerInfo(_Refused):
    _why = "models are not compiled to files: load the ONNX file"


class OrtSyncStream(_Refused):
    _why = "the CPU has no streams"


class OrtArenaCfg:
    """Taken, with no effect: memory is planned per input shape."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.max_mem = 0
