"""Execution providers: the CPU is the only one; others are accepted as ONNX Runtime's CPU build accepts them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

CPU = "CPUExecutionProvider"
AVAILABLE = [CPU]

# Those that some build of ONNX Runtime has. A CPU build leaves them out with a warning; what is not here is an error.
_KNOWN = frozenset(
    f"{name}ExecutionProvider"
    for name in [
        "ACL",
        "ArmNN",
        "Azure",
        "CANN",
        "CoreML",
        "CPU",
        "CUDA",
        "Dml",
        "Dnnl",
        "Js",
        "MIGraphX",
        "Nnapi",
        "NvTensorRTRTX",
        "OpenVINO",
        "QNN",
        "Rknpu",
        "ROCM",
        "SNPE",
        "Tensorrt",
        "Tvm",
        "VSINPU",
        "VitisAI",
        "WebGpu",
        "WebNN",
        "Xnnpack",
    ]
)

Provider = str | tuple[str, dict[Any, Any]]


def check_and_normalize_provider_args(
    providers: Sequence[Provider] | None,
    provider_options: Sequence[dict[Any, Any]] | None,
    available_provider_names: Sequence[str],
) -> tuple[list[str], list[dict[str, str]]]:
    """The names and the options of each, as str. Warns of what is not available; ValueError for what has another form."""
    found: dict[str, dict[str, str]] = {}
    for name, options in _pairs(providers, provider_options):
        if name not in available_provider_names:
            warnings.warn(
                f"Specified provider '{name}' is not in available provider names."
                f"Available providers: '{', '.join(available_provider_names)}'",
                stacklevel=5,
            )
        if name in found:
            warnings.warn(f"Duplicate provider '{name}' encountered, ignoring.", stacklevel=5)
            continue
        found[name] = {str(key): str(value) for key, value in options.items()}
    return list(found), list(found.values())


def _pairs(
    providers: Sequence[Provider] | None, provider_options: Sequence[dict[Any, Any]] | None
) -> Iterable[tuple[str, dict[Any, Any]]]:
    if providers is None:
        return []
    if not isinstance(providers, Sequence):
        raise ValueError("'providers' should be a sequence.")  # noqa: TRY004
    if provider_options is not None:
        return _beside(providers, provider_options)
    return [_pair(provider) for provider in providers]


def _beside(providers: Sequence[Provider], options: Sequence[dict[Any, Any]]) -> Iterable[tuple[str, dict[Any, Any]]]:
    if not isinstance(options, Sequence):
        raise ValueError("'provider_options' should be a sequence.")  # noqa: TRY004
    if len(providers) != len(options):
        raise ValueError("'providers' and 'provider_options' should be the same length if both are given.")
    names = [name for name in providers if isinstance(name, str)]
    if len(names) != len(providers):
        raise ValueError("Only string values for 'providers' are supported if 'provider_options' is given.")
    if not all(isinstance(one, dict) for one in options):
        raise ValueError("'provider_options' values must be dicts.")
    return zip(names, options, strict=True)


def _pair(provider: Provider) -> tuple[str, dict[Any, Any]]:
    if isinstance(provider, str):
        return provider, {}
    if (
        isinstance(provider, tuple)
        and len(provider) == 2
        and isinstance(provider[0], str)
        and isinstance(provider[1], dict)
    ):
        return provider
    raise ValueError("'providers' values must be either strings or (string, dict) tuples.")


def check_providers(
    providers: Sequence[Provider] | None, provider_options: Sequence[dict[Any, Any]] | None, fallback: bool
) -> None:
    """Whatever is asked for runs on the CPU. fallback: what is wrong about it is told in a warning, not in an error."""
    try:
        names, _ = check_and_normalize_provider_args(providers, provider_options, AVAILABLE)
        for name in names:
            if name not in _KNOWN:
                raise RuntimeError(f"Unknown Provider Type: {name}")
    except (ValueError, RuntimeError) as error:
        if not fallback:
            raise
        warnings.warn(f"EP Error {error} when using {providers}. Falling back to {AVAILABLE}.", stacklevel=4)
