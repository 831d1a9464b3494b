"""InferenceSession: a model in service behind ONNX Runtime's interface."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import engine
from engine.compat.onnxruntime import call_errors
from engine.compat.onnxruntime.device import OrtEpDevice, OrtMemoryInfo
from engine.compat.onnxruntime.errors import not_supported, text_of
from engine.compat.onnxruntime.io_binding import IOBinding
from engine.compat.onnxruntime.load_errors import load_error
from engine.compat.onnxruntime.metadata import ModelMetadata, NodeArg
from engine.compat.onnxruntime.ort_value import OrtValue, OrtValueVector, unwrapped
from engine.compat.onnxruntime.overrides import Overrides, load
from engine.compat.onnxruntime.profiling import Profile
from engine.compat.onnxruntime.providers import AVAILABLE, Provider, check_providers
from engine.compat.onnxruntime.run_options import RunOptions
from engine.compat.onnxruntime.session_options import SessionOptions
from engine.threads import start_thread

Callback = Callable[[list[Any], Any, str], None]


class Session:
    """Calls of a model. `model` is the engine.Model below: reload, drain, stats and what else the engine has."""

    model: engine.Model

    def _open(self, source: str | bytes, options: SessionOptions) -> None:
        arguments = options._load_arguments()
        self._profile = Profile(options.profile_file_prefix) if options.enable_profiling else None
        try:
            self.model = load(source, arguments, options._dims)
        except engine.EngineError as raised:
            raise load_error(raised, source) from raised
        if self._profile:
            self._profile.add_event("session_initialization", self._profile.began_ns)
        self._sess_options = options
        self._inputs_meta = [NodeArg(info) for info in self.model.inputs]
        self._outputs_meta = [NodeArg(info) for info in self.model.outputs]
        self._overridable_initializers = [NodeArg(info) for info in self.model.default_inputs]
        self._model_meta = ModelMetadata.of(self.model.facts, self.model.metadata)
        self._output_names = [arg.name for arg in self._outputs_meta]
        self._has_outputs = frozenset(self._output_names).issuperset
        self._overrides = Overrides(self.model, source, arguments) if self._overridable_initializers else None
        plain = self._profile is None and self._overrides is None
        self._call: Callable[..., dict[str, Any]] = self.model.run if plain else self._call_otherwise

    # -- calls

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: RunOptions | None = None
    ) -> list[Any]:
        """The outputs named, in that order; None or []: all. input_feed: dict from input name to array.

        An output is a numpy.ndarray, a list (sequence), a dict (map) or None (an empty optional).
        """
        if output_names and not self._has_outputs(output_names):
            raise call_errors.unknown_output(output_names, self._output_names)
        try:
            if run_options is None:
                answer = self._call(input_feed)
            else:
                answer = self._call(input_feed, **_arguments(run_options))
        except engine.EngineError as raised:
            answer = self._call_again(raised, input_feed, run_options)
        if not output_names:
            return list(answer.values())
        return [answer[name] for name in output_names]

    def _call_again(
        self, raised: engine.EngineError, feeds: Mapping[str, Any], run_options: RunOptions | None
    ) -> dict[str, Any]:
        """Where ONNX Runtime takes feeds that the engine does not, they are put into its form; else raises its error."""
        plain = {name: unwrapped(value) for name, value in feeds.items()}
        changed = type(feeds) is not dict or any(plain[name] is not value for name, value in feeds.items())
        if changed and isinstance(raised, engine.InvalidInput):
            try:
                return self._call(plain, **(_arguments(run_options) if run_options is not None else {}))
            except engine.EngineError as second:
                raised = second
        raise self._error_of(raised, plain) from raised

    def _error_of(self, raised: engine.EngineError, feeds: Mapping[str, Any]) -> Exception:
        required = [info.name for info in self.model.inputs if not info.dtype.startswith("optional")]
        if any(name not in feeds for name in required) and isinstance(raised, engine.InvalidInput):
            return call_errors.missing_inputs(required, feeds)
        inputs = {info.name: info for info in (*self.model.inputs, *self.model.default_inputs)}
        return call_errors.call_error(raised, inputs, feeds)

    def _call_otherwise(self, feeds: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
        """Calls of models whose initializers may be given, and of sessions that are profiled."""
        model = self._overrides.model_for(feeds) if self._overrides else self.model
        if not isinstance(feeds, dict) or not self._profile:
            return model.run(feeds, **arguments)  # type: ignore[arg-type]
        arguments.pop("request_id", None)
        began = time.monotonic_ns()
        answer, steps = model.profile(feeds, **arguments)
        self._profile.add_run(began, steps)
        return answer

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: Callback,
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """run elsewhere. callback(results, user_data, error) is called on a thread of the engine: error is "" or says why results
        is empty. The arrays in input_feed must not be changed before.
        """
        feeds = {name: unwrapped(value) for name, value in input_feed.items()}
        required = [arg.name for arg in self._inputs_meta if not arg.type.startswith("optional")]
        if any(name not in feeds for name in required):
            raise call_errors.missing_inputs(required, feeds)
        if output_names and not self._has_outputs(output_names):
            wrong = call_errors.unknown_output(output_names, self._output_names)
            if isinstance(wrong, TypeError):
                raise wrong
            return start_thread(lambda: callback([], user_data, text_of(wrong)))
        names = list(output_names or self._output_names)
        try:
            model = self._overrides.model_for(feeds) if self._overrides else self.model
            future = model.submit(feeds, **(_arguments(run_options) if run_options is not None else {}))
        except engine.EngineError as raised:
            text = text_of(self._error_of(raised, feeds))
            return start_thread(lambda: callback([], user_data, text))

        def deliver() -> None:
            raised = future.exception()
            if raised is None:
                answer = future.result()
                return callback([answer[name] for name in names], user_data, "")
            if isinstance(raised, engine.EngineError):
                raised = self._error_of(raised, feeds)
            callback([], user_data, text_of(raised))

        caller = threading.get_ident()
        # The caller may hold what the callback waits for.
        future.add_done_callback(lambda _: start_thread(deliver) if threading.get_ident() == caller else deliver())

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """run with OrtValues."""
        feeds = {name: value._get_c_value()._value for name, value in input_dict_ort_values.items()}
        results = self.run(output_names, feeds, run_options)
        return [
            self._ort_value(name, value)
            for name, value in zip(output_names or self._output_names, results, strict=True)
        ]

    def _ort_value(self, name: str, value: Any) -> OrtValue:
        made = OrtValue(value)
        if not made.is_tensor():
            made._name = self._outputs_meta[self._output_names.index(name)].type
        return made

    def run_with_ortvaluevector(
        self,
        run_options: RunOptions | None,
        feed_names: Sequence[str],
        feeds: Iterable[OrtValue],
        fetch_names: Sequence[str],
        fetches: OrtValueVector,
        fetch_devices: Sequence[object],
    ) -> None:
        """run_with_ort_values with the names apart; the outputs are appended to `fetches`."""
        fetches.extend(self.run_with_ort_values(fetch_names, dict(zip(feed_names, feeds, strict=True)), run_options))

    def io_binding(self) -> IOBinding:
        """Inputs and outputs bound to memory, for run_with_iobinding."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        """run on what is bound. Errors are RuntimeError, as in ONNX Runtime."""
        if iobinding._session is not self:
            raise ValueError("IOBinding must be used with the session that created it.")
        iobinding._run(run_options)

    def create_ortvalue_from_shape_and_type(
        self, shape: Sequence[int], element_type: Any, device_type: str, device_id: int = 0, vendor_id: int = -1
    ) -> OrtValue:
        return OrtValue.ortvalue_from_shape_and_type(shape, element_type, device_type, device_id, vendor_id)

    # -- facts

    def get_session_options(self) -> SessionOptions:
        return self._sess_options

    def get_inputs(self) -> list[NodeArg]:
        """The inputs, without the initializers that may be given too."""
        return self._inputs_meta

    def get_outputs(self) -> list[NodeArg]:
        return self._outputs_meta

    def get_overridable_initializers(self) -> list[NodeArg]:
        """Initializers that may be given like inputs."""
        return self._overridable_initializers

    def get_modelmeta(self) -> ModelMetadata:
        return self._model_meta

    def get_providers(self) -> list[str]:
        return list(AVAILABLE)

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {name: {} for name in AVAILABLE}

    def get_input_memory_infos(self) -> list[OrtMemoryInfo]:
        return [OrtMemoryInfo() for _ in self._inputs_meta]

    def get_output_memory_infos(self) -> list[OrtMemoryInfo]:
        return [OrtMemoryInfo() for _ in self._outputs_meta]

    def get_input_epdevices(self) -> list[OrtEpDevice]:
        return [OrtEpDevice() for _ in self._inputs_meta]

    def end_profiling(self) -> str:
        """Writes what was timed; returns the file's name, "" without enable_profiling."""
        return self._profile.write() if self._profile else ""

    def get_profiling_start_time_ns(self) -> int:
        return self._profile.began_ns if self._profile else 0

    # -- what only other devices need

    def set_providers(
        self, providers: Sequence[Provider] | None = None, provider_options: Sequence[dict[Any, Any]] | None = None
    ) -> None:
        """No effect but the warnings: the CPU computes."""
        check_providers(providers, provider_options, True)

    def disable_fallback(self) -> None:
        """No effect: there is nothing to fall back from."""

    def enable_fallback(self) -> None:
        """No effect: there is nothing to fall back from."""

    def set_ep_dynamic_options(self, options: Mapping[str, str]) -> None:
        """No effect."""

    def get_tuning_results(self) -> list[Any]:
        return []

    def set_tuning_results(self, results: Sequence[Any], *, error_on_invalid: bool = False) -> None:
        """No effect."""

    def get_provider_graph_assignment_info(self) -> list[Any]:
        raise not_supported("nodes are not assigned to providers")

    def release_captured_graph(self, graph_annotation_id: int = 0) -> None:
        """No effect."""


class InferenceSession(Session):
    """A model, read, verified and planned.

    path_or_bytes: a path, or the file's bytes. providers, provider_options: the CPU computes whatever is named; what is not
    available is told in a warning. kwargs: enable_fallback=0 makes providers that nobody knows an error; others have no effect.
    """

    def __init__(
        self,
        path_or_bytes: str | bytes | os.PathLike[str],
        sess_options: SessionOptions | None = None,
        providers: Sequence[Provider] | None = None,
        provider_options: Sequence[dict[Any, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        source = path_or_bytes if isinstance(path_or_bytes, bytes) else _path(path_or_bytes)
        check_providers(providers, provider_options, bool(int(kwargs.get("enable_fallback", 1))))
        self._model_path = source if isinstance(source, str) else None
        self._open(source, sess_options if sess_options else SessionOptions())


def _path(source: str | os.PathLike[str]) -> str:
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"Unable to load from type '{type(source)}'")
    return os.fspath(source)


def _arguments(run_options: RunOptions) -> dict[str, Any]:
    if not isinstance(run_options, RunOptions):
        raise TypeError(f"run_options is a RunOptions, not {type(run_options).__name__}")
    return run_options._call_arguments()
