"""What ONNX Runtime says of its package."""

from engine.compat.onnxruntime.environment import VERSION


def get_package_name_and_version_info() -> tuple[str, str, str]:
    """The package's name, its version and CUDA's, which is none."""
    return "onnxruntime", VERSION, ""


def check_distro_info() -> None:
    """No effect: the engine runs where it can be imported."""
