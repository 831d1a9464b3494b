"""SessionOptions, and the arguments of engine.load that they amount to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from engine.compat.onnxruntime.enums import ExecutionMode, ExecutionOrder, GraphOptimizationLevel
from engine.compat.onnxruntime.errors import InvalidArgument, error, not_supported
from engine.compat.onnxruntime.settings import Setting, Settings

_FOLDER = "session.model_external_initializers_file_folder_path"
_UNBOUNDED = (1 << 31) - 1
_MOST_THREADS = 256

_global_threads = 0


def set_global_thread_pool_sizes(intra_op_num_threads: int = 0, inter_op_num_threads: int = 0) -> None:
    """Threads of a call, for sessions whose options say use_per_session_threads = False. 0: the CPUs this process may use."""
    global _global_threads
    _global_threads = intra_op_num_threads


class SessionOptions(Settings):
    """How a session is made. docs/onnxruntime.md tells which of these have an effect here.

    Configuration entries of the engine's own, ignored elsewhere: engine.sha256, engine.timeout, engine.max_concurrency,
    engine.max_queue, engine.memory_limit, as the arguments of engine.load.
    """

    __slots__ = ("_dims",)

    intra_op_num_threads = Setting(0, "Threads that one call may use; 0: the CPUs this process may use.")
    graph_optimization_level = Setting(GraphOptimizationLevel.ORT_ENABLE_ALL, "What is rewritten at load.")
    use_per_session_threads = Setting(True, "False: intra_op_num_threads is set_global_thread_pool_sizes'.")
    enable_profiling = Setting(False, "Time every step; end_profiling writes the file.")
    profile_file_prefix = Setting("onnxruntime_profile_", "How that file's name begins.")
    optimized_model_filepath = Setting("", "Not supported: a session refuses it.")
    inter_op_num_threads = Setting(0, "No effect.")
    execution_mode = Setting(ExecutionMode.ORT_SEQUENTIAL, "No effect.")
    execution_order = Setting(ExecutionOrder.DEFAULT, "No effect.")
    enable_cpu_mem_arena = Setting(True, "No effect.")
    enable_mem_pattern = Setting(True, "No effect.")
    enable_mem_reuse = Setting(True, "No effect.")
    use_deterministic_compute = Setting(False, "No effect: answers are always the same bits.")
    log_severity_level = Setting(-1, "No effect.")
    log_verbosity_level = Setting(0, "No effect.")
    logid = Setting("", "No effect.")

    def __init__(self) -> None:
        super().__init__()
        self._dims: dict[str, int] = {}

    def add_session_config_entry(self, key: str, value: str) -> None:
        self._add_entry(key, value)

    def get_session_config_entry(self, key: str) -> str:
        return self._entry(key)

    def add_free_dimension_override_by_name(self, name: str, size: int) -> None:
        """Dimensions of inputs that the model calls `name` have this size."""
        self._dims[name] = int(size)

    def add_free_dimension_override_by_denotation(self, denotation: str, size: int) -> None:
        raise not_supported("dimensions are overridden by name, not by denotation")

    def register_custom_ops_library(self, path: str | os.PathLike[str]) -> None:
        raise not_supported(f"{os.fspath(path)} holds operators compiled against ONNX Runtime")

    def add_initializer(self, name: str, value: object) -> None:
        raise not_supported("initializers come from the model's files")

    def add_external_initializers(self, names: Sequence[str], values: Sequence[object]) -> None:
        raise not_supported("initializers come from the model's files")

    def add_external_initializers_from_files_in_memory(
        self, names: Sequence[str], buffers: Sequence[object], lengths: Sequence[int]
    ) -> None:
        raise not_supported(f"external data comes from files: put them into a folder that {_FOLDER} names")

    def add_provider(self, name: str, options: Mapping[str, str]) -> None:
        if name != "CPUExecutionProvider":
            raise error(InvalidArgument, f"Unknown provider name '{name}'. Currently supported: CPUExecutionProvider")

    def add_provider_for_devices(self, devices: Sequence[object], options: Mapping[str, str]) -> None:
        """No effect: the only device is the CPU."""

    def set_provider_selection_policy(self, policy: object) -> None:
        """No effect: the only device is the CPU."""

    def set_provider_selection_policy_delegate(self, delegate: object) -> None:
        """No effect: the only device is the CPU."""

    def has_providers(self) -> bool:
        return False

    def set_load_cancellation_flag(self, cancel: bool) -> None:
        if cancel:
            raise not_supported("a load is not cancelled")

    def _load_arguments(self) -> dict[str, Any]:
        """For engine.load. Raises what these options ask for and cannot have."""
        if self.optimized_model_filepath:
            raise not_supported("the optimized model is not written: leave optimized_model_filepath empty")
        if self._entries.get("session.load_model_format", "ONNX").upper() == "ORT":
            raise not_supported("models in the ORT format are not read: load the ONNX file")
        threads = self.intra_op_num_threads if self.use_per_session_threads else _global_threads
        arguments: dict[str, Any] = {
            "threads": min(threads, _MOST_THREADS) if threads > 0 else None,
            "optimize": _level(self.graph_optimization_level),
            "max_queue": _UNBOUNDED,
            "allow_random": True,
            "warmup": False,
            "sha256": self._entries.get("engine.sha256"),
            "timeout": self._number("engine.timeout"),
        }
        if self._entries.get(_FOLDER):
            arguments["external_data"] = self._entries[_FOLDER]
        for key in ("max_concurrency", "max_queue", "memory_limit"):
            number = self._number(f"engine.{key}")
            if number is not None:
                arguments[key] = int(number)
        return arguments


def _level(level: GraphOptimizationLevel) -> str:
    if level == GraphOptimizationLevel.ORT_DISABLE_ALL:
        return "off"
    return "cheap" if level == GraphOptimizationLevel.ORT_ENABLE_BASIC else "all"
