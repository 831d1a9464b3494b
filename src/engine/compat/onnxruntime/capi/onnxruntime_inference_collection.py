"""The classes that ONNX Runtime defines in Python."""

from engine.compat.onnxruntime.api import (  # noqa: F401
    AdapterFormat,
    InferenceSession,
    IOBinding,
    ModelCompiler,
    OrtDevice,
    OrtDeviceVendorId,
    OrtValue,
    SparseTensor,
    copy_tensors,
)
from engine.compat.onnxruntime.device import get_ort_device_type  # noqa: F401
from engine.compat.onnxruntime.providers import check_and_normalize_provider_args  # noqa: F401
from engine.compat.onnxruntime.session import Session  # noqa: F401
