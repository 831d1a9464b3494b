"""What ONNX Runtime keeps for the process as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import engine
from engine.compat.onnxruntime.errors import not_supported
from engine.compat.onnxruntime.providers import AVAILABLE

# The release whose interface this is, and against which the tests compare it. Programs compare with it.
VERSION = "1.32.0"


def get_version_string() -> str:
    return VERSION


def get_build_info() -> str:
    return f"engine {engine.__version__} ({engine.isa()}) with the interface of ONNX Runtime {VERSION}"


def get_device() -> str:
    return "CPU"


def get_available_providers() -> list[str]:
    return list(AVAILABLE)


def get_all_providers() -> list[str]:
    return list(AVAILABLE)


def has_collective_ops() -> bool:
    return False


def set_default_logger_severity(severity: int) -> None:
    """No effect: what is wrong is raised."""
    if not 0 <= severity <= 4:
        raise RuntimeError("Invalid logging severity. 0:Verbose, 1:Info, 2:Warning, 3:Error, 4:Fatal")


def set_default_logger_verbosity(verbosity: int) -> None:
    """No effect."""


def set_default_logger_callback(callback: Callable[..., None] | None, severity: int = 2) -> None:
    """No effect: there is nothing to call it with."""
    set_default_logger_severity(severity)


def enable_telemetry_events() -> None:
    """No effect: nothing is ever sent."""


def disable_telemetry_events() -> None:
    """No effect: nothing is ever sent."""


def set_seed(seed: int) -> None:
    """No effect: operators that draw random numbers take their seed from the model."""


def create_and_register_allocator(memory_info: object, arena_cfg: object) -> None:
    """No effect: memory is planned per input shape."""


def create_and_register_allocator_v2(*_: Any, **__: Any) -> None:
    """No effect: memory is planned per input shape."""


def preload_dlls(*_: Any, **__: Any) -> None:
    """No effect: there are no libraries of devices."""


def register_execution_provider_library(name: str, path: str) -> None:
    raise not_supported(f"{path} is an execution provider compiled against ONNX Runtime")


def unregister_execution_provider_library(name: str) -> None:
    raise not_supported("no execution provider was registered")


def print_debug_info() -> None:
    print(get_build_info())
