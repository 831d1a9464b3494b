"""SessionOptions, RunOptions, providers, and what the process has one of."""

import json
import threading
import time
import warnings

import engine
import engine.compat.onnxruntime as front
import fronting
import numpy as np
import pytest

X = np.ones((2, 4), np.float32)


def test_defaults(ort):
    options = ort.SessionOptions()
    assert options.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (0, 0)
    assert options.execution_mode == ort.ExecutionMode.ORT_SEQUENTIAL
    assert options.execution_order == ort.ExecutionOrder.DEFAULT
    assert options.enable_cpu_mem_arena
    assert options.enable_mem_pattern
    assert not options.enable_profiling
    assert (options.log_severity_level, options.log_verbosity_level, options.logid) == (-1, 0, "")
    assert (options.optimized_model_filepath, options.profile_file_prefix) == ("", "onnxruntime_profile_")
    run = ort.RunOptions()
    assert (run.log_severity_level, run.log_verbosity_level, run.logid, run.terminate) == (-1, 0, "", False)


def test_every_setting_is_there(ort):
    wanted = pytest.importorskip("onnxruntime")
    for kind in (
        "SessionOptions",
        "RunOptions",
        "OrtValue",
        "IOBinding",
        "InferenceSession",
        "NodeArg",
        "ModelMetadata",
        "OrtDevice",
    ):
        missing = {name for name in dir(getattr(wanted, kind)) if not name.startswith("_")} - set(
            dir(getattr(ort, kind))
        )
        assert not missing - {"set_ep_context_data_read_func", "clear_ep_context_data_read_func"}, kind
    missing = {name for name in dir(wanted) if not name.startswith("_") and callable(getattr(wanted, name))} - set(
        dir(ort)
    )
    assert not {name for name in missing if not name.startswith(("ModelPackage", "OrtEp"))}


def test_takes_and_refuses(ort):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    with pytest.raises(TypeError):
        options.intra_op_num_threads = "two"
    with pytest.raises(TypeError):
        options.graph_optimization_level = 99
    with pytest.raises(AttributeError):
        options.intra_op_threads = 2
    with pytest.raises(RuntimeError, match="does not have configuration with key: nope"):
        options.get_session_config_entry("nope")
    with pytest.raises(TypeError):
        options.add_session_config_entry("key", 1)
    with pytest.raises(RuntimeError, match="Config key is empty or longer"):
        options.add_session_config_entry("", "1")
    session = ort.InferenceSession(fronting.product(), options)
    assert session.get_session_options().intra_op_num_threads == 2
    np.testing.assert_array_equal(session.run(["y"], {"x": X})[0], X)


def test_numbers_of_enumerations(ort):
    assert int(ort.GraphOptimizationLevel.ORT_ENABLE_ALL) == 99
    assert ort.GraphOptimizationLevel(1) == ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert str(ort.GraphOptimizationLevel.ORT_ENABLE_ALL) == "GraphOptimizationLevel.ORT_ENABLE_ALL"


def test_dimensions_by_name(ort, errors):
    options = ort.SessionOptions()
    options.add_free_dimension_override_by_name("N", 3)
    options.add_free_dimension_override_by_name("no such", 3)
    session = ort.InferenceSession(fronting.product(), options)
    assert session.get_inputs()[0].shape == [3, 4]
    assert session.get_outputs()[0].shape == [3, 4]
    assert session.run(["y"], {"x": np.ones((3, 4), np.float32)})[0].shape == (3, 4)
    with pytest.raises(errors.InvalidArgument, match="index: 0 Got: 2 Expected: 3"):
        session.run(None, {"x": X})


def test_terminated_before(ort, errors):
    session, options = ort.InferenceSession(fronting.product()), ort.RunOptions()
    options.terminate = True
    for _ in range(2):
        with pytest.raises(errors.Fail) as caught:
            session.run(None, {"x": X}, options)
        assert str(caught.value) == "[ONNXRuntimeError] : 1 : FAIL : Exiting due to terminate flag being set to true."
    options.terminate = False
    np.testing.assert_array_equal(session.run(["y"], {"x": X}, options)[0], X)


def test_terminated_inside_a_kernel():
    """One product of 3072 cubed: stopped long before it would have ended."""
    options, session_options = front.RunOptions(), front.SessionOptions()
    session_options.intra_op_num_threads = 1
    session = front.InferenceSession(fronting.large_product(3072), session_options)
    ones = np.ones((3072, 3072), np.float32)
    session.run(None, {"x": ones, "w": ones})
    began = time.perf_counter()
    session.run(None, {"x": ones, "w": ones})
    whole = time.perf_counter() - began
    timer = threading.Timer(whole / 4, lambda: setattr(options, "terminate", True))
    began = time.perf_counter()
    timer.start()
    with pytest.raises(front.capi.onnxruntime_pybind11_state.Fail):
        session.run(None, {"x": ones, "w": ones}, options)
    assert time.perf_counter() - began < whole * 0.75
    timer.join()


def test_deadlines():
    options = front.RunOptions()
    options.add_run_config_entry("engine.timeout", "0.005")
    session = front.InferenceSession(fronting.large_product(2048))
    ones = np.ones((2048, 2048), np.float32)
    with pytest.raises(engine.DeadlineExceeded):
        session.run(None, {"x": ones, "w": ones}, options)
    session_options = front.SessionOptions()
    session_options.add_session_config_entry("engine.timeout", "0.005")
    with pytest.raises(engine.DeadlineExceeded):
        front.InferenceSession(fronting.large_product(2048), session_options).run(None, {"x": ones, "w": ones})


def test_threads_and_level():
    options = front.SessionOptions()
    options.intra_op_num_threads = 1
    assert front.InferenceSession(fronting.product(), options).model.threads == 1
    options.use_per_session_threads = False
    front.set_global_thread_pool_sizes(intra_op_num_threads=2)
    try:
        assert front.InferenceSession(fronting.product(), options).model.threads == 2
    finally:
        front.set_global_thread_pool_sizes()


def test_what_is_asked_for_and_cannot_be_had(tmp_path):
    errors = front.capi.onnxruntime_pybind11_state
    options = front.SessionOptions()
    for refused in (
        lambda: options.register_custom_ops_library("operators.so"),
        lambda: options.add_initializer("w", None),
        lambda: options.add_external_initializers(["w"], [None]),
        lambda: front.ModelCompiler(options, b""),
        lambda: front.SparseTensor.sparse_coo_from_numpy(None, None, None, None),
        lambda: front.RunOptions().add_active_adapter(None),
    ):
        with pytest.raises(errors.NotImplemented, match="engine.compat.onnxruntime: "):
            refused()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    with pytest.raises(errors.NotImplemented, match="optimized_model_filepath"):
        front.InferenceSession(fronting.product(), options)


def test_providers(ort):
    with pytest.warns(
        UserWarning, match="Specified provider 'CUDAExecutionProvider' is not in available provider names"
    ):
        session = ort.InferenceSession(fronting.product(), providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert session.get_providers() == ["CPUExecutionProvider"]
    for providers, options in [
        ([("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})], None),
        (["CPUExecutionProvider"], [{}]),
        ([], None),
    ]:
        ort.InferenceSession(fronting.product(), providers=providers, provider_options=options)
    with pytest.raises(ValueError, match="same length"):
        ort.InferenceSession(fronting.product(), None, ["CPUExecutionProvider"], [{}, {}], enable_fallback=0)
    with pytest.raises(RuntimeError, match="Unknown Provider Type: Foo"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ort.InferenceSession(fronting.product(), providers=["Foo"], enable_fallback=0)


def test_of_the_process(ort):
    from packaging.version import Version

    assert Version("1.20") < Version(ort.__version__) < Version("2")
    assert ort.get_version_string() == ort.__version__
    assert ort.get_device() == "CPU"
    assert "CPUExecutionProvider" in ort.get_available_providers()
    assert ort.get_build_info()
    ort.disable_telemetry_events()
    ort.set_default_logger_severity(4)
    with pytest.raises(RuntimeError, match="Invalid logging severity"):
        ort.set_default_logger_severity(7)


def test_profiles(ort, tmp_path):
    options = ort.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    session = ort.InferenceSession(fronting.product(), options)
    session.run(None, {"x": X})
    path = session.end_profiling()
    with open(path) as file:
        events = json.load(file)
    assert path.startswith(str(tmp_path / "profile_"))
    assert "product_kernel_time" in {event["name"] for event in events if event["cat"] == "Node"}
    assert "model_run" in {event["name"] for event in events if event["cat"] == "Session"}
    assert all(event["ph"] == "X" and event["dur"] >= 0 and event["ts"] >= 0 for event in events)
    assert ort.InferenceSession(fronting.product()).end_profiling() == ""
