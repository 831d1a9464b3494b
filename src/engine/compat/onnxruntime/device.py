"""Devices: the CPU, in the shapes that ONNX Runtime gives it."""

from __future__ import annotations

from engine.compat.onnxruntime.enums import (
    OrtAllocatorType,
    OrtDeviceMemoryType,
    OrtDeviceVendorId,
    OrtHardwareDeviceType,
    OrtMemType,
)
from engine.compat.onnxruntime.providers import CPU

_TYPES = {"cpu": 0, "cuda": 1, "gpu": 1, "dml": 1, "webgpu": 1, "fpga": 2, "npu": 3, "cann": 3}


def get_ort_device_type(device_type: str) -> int:
    if device_type not in _TYPES:
        raise Exception("Unsupported device type: " + device_type)  # noqa: TRY002 - as ONNX Runtime does
    return _TYPES[device_type]


def check_device(device_type: str) -> None:
    """Raises unless memory can be had there."""
    if get_ort_device_type(device_type.lower()) != 0:
        raise RuntimeError(f"Can't allocate memory on the device {device_type!r}: this package computes on the CPU.")


class OrtDevice:
    """A device: its type, id, vendor and kind of memory, as numbers."""

    def __init__(self, device_type: int, mem_type: int = 0, vendor_id: int = 0, device_id: int = 0) -> None:
        self._type, self._memory, self._vendor, self._id = device_type, mem_type, vendor_id, device_id

    @staticmethod
    def make(ort_device_name: str, device_id: int, vendor_id: int | OrtDeviceVendorId = -1) -> OrtDevice:
        return OrtDevice(get_ort_device_type(ort_device_name), 0, max(int(vendor_id), 0), device_id)

    def _get_c_device(self) -> OrtDevice:
        return self

    def device_id(self) -> int:
        return self._id

    def device_type(self) -> int:
        return self._type

    def device_vendor_id(self) -> int:
        return self._vendor

    vendor_id = device_vendor_id

    def device_mem_type(self) -> int:
        return self._memory

    mem_type = device_mem_type

    @staticmethod
    def cpu() -> int:
        return _TYPES["cpu"]

    @staticmethod
    def gpu() -> int:
        return _TYPES["gpu"]

    cuda = dml = webgpu = gpu

    @staticmethod
    def npu() -> int:
        return _TYPES["npu"]

    cann = npu

    @staticmethod
    def fpga() -> int:
        return _TYPES["fpga"]

    @staticmethod
    def default_memory() -> int:
        return 0


class OrtMemoryInfo:
    """Where a tensor's memory is."""

    def __init__(
        self,
        name: str = "Cpu",
        allocator_type: OrtAllocatorType = OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        device_id: int = 0,
        mem_type: OrtMemType = OrtMemType.DEFAULT,
    ) -> None:
        self.name, self.allocator_type, self.device_id, self.mem_type = name, allocator_type, device_id, mem_type
        self.device_mem_type = OrtDeviceMemoryType.DEFAULT
        self.device_vendor_id = 0


class OrtHardwareDevice:
    """The processor."""

    type = OrtHardwareDeviceType.CPU
    device_id = 0
    vendor_id = 0
    vendor = ""

    @property
    def metadata(self) -> dict[str, str]:
        return {}


class OrtEpDevice:
    """The processor as the device of the only execution provider."""

    ep_name = CPU
    ep_vendor = "engine"

    def __init__(self) -> None:
        self.device = OrtHardwareDevice()
        self.ep_metadata: dict[str, str] = {}
        self.ep_options: dict[str, str] = {}

    def memory_info(self, memory_type: OrtDeviceMemoryType) -> OrtMemoryInfo:
        return OrtMemoryInfo()


def get_ep_devices() -> list[OrtEpDevice]:
    return [OrtEpDevice()]
