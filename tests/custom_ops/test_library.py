"""Operators of a C library behave as those that are built in."""

import ctypes
import os
import pickle
import subprocess
import sys
import threading
import time

import building
import engine
import numpy as np
import onnx
import pytest
from harness import one_node, run_all_ways, run_node
from onnx import TensorProto, helper

pytestmark = pytest.mark.usefixtures("probe")
DOMAIN = "test.probe"


def floats(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def spin(items=1, timeout=None, **attrs):
    model = one_node("Spin", [], {"items": items, **attrs}, opset=1, domain=DOMAIN)
    loaded = engine.load(model, threads=2, warmup=False, allow_random=True)
    began = time.perf_counter()
    try:
        return loaded.run({}, timeout=timeout)["y0"]
    finally:
        spin.took = time.perf_counter() - began


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (0, 4), (3, 0), (1000, 33)])
@pytest.mark.parametrize("dynamic", [False, True])
def test_answer(shape, dynamic):
    x, w = floats(*shape), floats(shape[1], seed=1)
    (y,) = run_node("Scale", [x, w], opset=1, domain=DOMAIN, constants=(1,), dynamic=dynamic)
    np.testing.assert_array_equal(y, x * (2 * w))


def test_same_bits_for_any_number_of_threads():
    x = floats(1_000_003)
    answers = {run_node("Total", [x], opset=1, domain=DOMAIN, threads=n)[0].tobytes() for n in (1, 2, 3, 8)}
    assert len(answers) == 1
    assert np.frombuffer(answers.pop(), np.float32)[0] == pytest.approx(x.astype(np.float64).sum(), rel=1e-3)


@pytest.mark.parametrize("x", [np.array([1, -1, 2], np.float32), np.zeros(0, np.float32), -np.ones(5, np.float32)])
def test_output_whose_shape_the_elements_tell(x):
    (y,) = run_all_ways("Positive", [x], opset=1, domain=DOMAIN, constants=(0,))
    np.testing.assert_array_equal(y, x[x > 0])


def test_strings_and_an_input_left_out():
    x = np.array(["ab", "", "Größe"], object)
    assert run_node("Upper", [x], opset=1, domain=DOMAIN)[0].tolist() == ["AB", "", "GRößE"]
    assert run_node("Upper", [x, np.array(["!"], object)], opset=1, domain=DOMAIN)[0].tolist() == ["AB!", "!", "GRößE!"]
    assert run_node("Upper", [x, None], opset=1, domain=DOMAIN)[0].tolist() == ["AB", "", "GRößE"]


def test_attributes_and_elements_that_are_known_beforehand():
    tensor = onnx.numpy_helper.from_array(np.array([1, 9], np.float32))
    attrs = {"int": 3, "float": 0.5, "string": "four", "ints": [1, 2], "floats": [1.5, 2.5], "tensor": tensor}
    (y,) = run_all_ways("Attributes", [np.array(8)], attrs, opset=2, domain=DOMAIN, constants=(0,))
    assert y.tolist() == [3, 0.5, 4, 2, 2.5, 9, 0, 2]
    (y,) = run_all_ways("Attributes", [np.array(5)], {}, opset=1, domain=DOMAIN, constants=(0,))
    assert y.tolist() == [-1, -1, 0, -1, -1]


def test_between_built_in_operators():
    """Values that are blocked, fused or in place elsewhere reach it as plain tensors."""
    x, kernel, w = floats(1, 16, 9, 9), floats(16, 16, 3, 3, seed=1), floats(7 * 7, seed=2)
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Reshape", ["b", "flat"], ["c"]),
        helper.make_node("Scale", ["c", "w"], ["d"], domain=DOMAIN),
        helper.make_node("Add", ["d", "c"], ["e"]),
        helper.make_node("Reshape", ["e", "square"], ["f"]),
        helper.make_node("MaxPool", ["f"], ["y"], kernel_shape=[2, 2]),
    ]
    constants = {"k": kernel, "w": w, "flat": np.array([16, 49]), "square": np.array([1, 16, 7, 7])}
    graph = helper.make_graph(
        nodes,
        "between",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 16, 9, 9])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)], ir_version=10
    )
    plain, fast = (engine.load(model.SerializeToString(), optimize=level) for level in ("off", "all"))
    np.testing.assert_allclose(fast(x), plain(x), rtol=1e-5, atol=1e-5)


def test_constants_are_packed_once(probe):
    packed = ctypes.c_int32.in_dll(probe, "probe_packed")
    states = ctypes.c_int32.in_dll(probe, "probe_states")
    before = packed.value, states.value
    w = floats(16, seed=3)
    model = engine.load(one_node("Scale", [floats(2, 16), w], opset=1, domain=DOMAIN, constants=(1,)))
    for rows in range(1, 6):
        np.testing.assert_array_equal(model(np.ones((rows, 16), np.float32)), np.tile(2 * w, (rows, 1)))
    assert packed.value == before[0] + 1
    assert states.value > before[1]
    assert model.memory["packed"] >= w.nbytes
    model.close()
    del model
    assert states.value == before[1]


def test_deadline_between_tiles():
    with pytest.raises(engine.DeadlineExceeded):
        spin(items=2000, milliseconds=0.1, polite=0, told_ns=1e5, timeout=0.02)
    assert spin.took < 0.15


@pytest.mark.parametrize(("items", "told"), [(1, 1e4), (1, 1e9), (2, 1e9), (3, 1e3), (5, 1e9)])
def test_deadline_inside_a_long_item(items, told):
    with pytest.raises(engine.DeadlineExceeded):
        spin(items=items, milliseconds=5000.0, told_ns=float(told), timeout=0.05)
    assert spin.took < 1


@pytest.mark.parametrize("items", [1, 2, 3])
def test_cancelling_stops_a_long_item(items):
    model = one_node("Spin", [], {"items": items, "milliseconds": 5000.0, "told_ns": 1e9}, opset=1, domain=DOMAIN)
    model = engine.load(model, threads=2, warmup=False, allow_random=True)
    token = engine.CancelToken()
    threading.Timer(0.1, token.cancel).start()
    began = time.perf_counter()
    with pytest.raises(engine.Cancelled):
        model.run({}, cancel=token)
    assert time.perf_counter() - began < 1.5


@pytest.mark.parametrize("told", [1e3, 1e6])
def test_all_items_are_done(told):
    np.testing.assert_array_equal(spin(items=37, milliseconds=0.5, told_ns=told), np.arange(37, dtype=np.float32))


def fail(status, mute=0, items=1, at=0):
    attrs = {"status": status, "mute": mute, "items": items, "at": at}
    model = one_node("Fail", [], attrs, opset=1, domain=DOMAIN)
    return engine.load(model, warmup=False, allow_random=True, threads=2).run({})


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (1, engine.InvalidInput),
        (2, engine.UnsupportedOperator),
        (3, engine.InvalidInput),
        (4, engine.MemoryLimitExceeded),
        (5, engine.OperatorFailed),
    ],
)
def test_errors_of_run(status, error):
    with pytest.raises(error, match=r"^node '.*' \(test\.probe\.Fail\): item 7 is no good$") as caught:
        fail(status, items=40, at=7)
    assert type(caught.value) is error


def test_errors_without_a_text():
    with pytest.raises(engine.OperatorFailed, match="run returned 5 and told no reason$"):
        fail(5, mute=1)
    with pytest.raises(engine.OperatorFailed, match="ENGINE_STOPPED although nothing asked"):
        fail(6, mute=1)


def test_errors_of_infer_and_prepare():
    x = floats(2, 3, 4)
    with pytest.raises(engine.InvalidModel, match=r"\(test\.probe\.Scale\): x has 3 dimensions; 2 are wanted"):
        run_node("Scale", [x, x[0, 0]], opset=1, domain=DOMAIN, dynamic=False)
    with pytest.raises(engine.UnsupportedOperator, match="the weights are no constant"):
        run_node("Scale", [x[0], x[0, 0]], opset=1, domain=DOMAIN, dynamic=False)
    with pytest.raises(engine.UnsupportedOperator, match="input 0 has dtype float64; supported are float32"):
        run_node("Total", [np.zeros(3)], opset=1, domain=DOMAIN)
    with pytest.raises(engine.InvalidModel, match="1 inputs; 2 are allowed"):
        run_node("Scale", [x], opset=1, domain=DOMAIN)


def test_versions_and_domains_of_what_is_unknown():
    with pytest.raises(
        engine.UnsupportedOperator, match=r"test\.probe\.Attributes \(version 3\).*domains .*test\.probe"
    ):
        run_node("Attributes", [np.array(1)], opset=3, domain=DOMAIN)
    with pytest.raises(engine.UnsupportedOperator, match=r"test\.nowhere\.Foo \(version 1\)"):
        run_node("Foo", [np.array(1)], opset=1, domain="test.nowhere")


def test_random_ones_are_refused_unless_accepted():
    with pytest.raises(engine.UnsupportedOperator, match="allow_random"):
        engine.load(one_node("Spin", [], opset=1, domain=DOMAIN))


def test_plan_and_profile_show_it(probes, tmp_path):
    x = floats(2, 16)
    model = one_node("Scale", [x, x[0]], opset=1, domain=DOMAIN, constants=(1,))
    loaded = engine.load(model)
    assert "test.probe.Scale" in loaded.plan({"x0": x})["text"]
    assert "test.probe.Scale" in loaded.profile({"x0": x})[1]
    assert loaded.operators == {"test.probe.Scale": 1}
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    where = building.library(probes, "probe")
    command = [sys.executable, "-m", "engine", "inspect", str(path), "--operators", str(where), "--shape", "x0=3,16"]
    done = subprocess.run(command, env=building.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"registered  test.probe.Scale from version 1 on, by {where}" in done.stdout
    assert done.stdout.count("test.probe.Scale") >= 3


def test_unpickled_in_a_new_process():
    x = floats(2, 16)
    model = engine.load(one_node("Scale", [x, x[0]], opset=1, domain=DOMAIN, constants=(1,)))
    program = (
        "import pickle, sys, numpy as np\nm, x = pickle.load(sys.stdin.buffer)\nsys.stdout.buffer.write(m(x).tobytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps((model, x)),
        env=building.environment(),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == model(x).tobytes()


def test_packed_constants_in_a_cache_folder(probe, tmp_path):
    packed = ctypes.c_int32.in_dll(probe, "probe_packed")
    x, w = floats(2, 20_000), floats(20_000, seed=7)
    data = one_node("Scale", [x, w], opset=1, domain=DOMAIN, constants=(1,))
    before = packed.value
    first, again = (engine.load(data, cache=tmp_path / "packs") for _ in range(2))
    assert packed.value == before + 1
    assert again.cache["found"] == first.cache["stored"] == 1
    np.testing.assert_array_equal(again(x), first(x))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_fork():
    x = floats(300, 160)
    data = one_node("Scale", [x, x[0]], opset=1, domain=DOMAIN, constants=(1,))
    model = engine.load(data, threads=2)
    want = model(x)
    child = os.fork()
    if child == 0:
        good = np.array_equal(model(x), want) and np.array_equal(engine.load(data)(x), want)
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_calls_side_by_side():
    x = floats(500, 64)
    model = engine.load(one_node("Scale", [x, x[0]], opset=1, domain=DOMAIN, constants=(1,)), threads=2)
    want, wrong = model(x), []

    def call():
        for _ in range(50):
            wrong.extend([] if np.array_equal(model(x), want) else [1])

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
