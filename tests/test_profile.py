"""What steps have to do, counted from their shapes, and what the machine reaches."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import engine
from engine import _core
from engine.cli import profile
from engine.cli.main import main

RNG = np.random.default_rng(0)


def built(nodes, feeds, outputs, constants=()):
    inputs = [
        helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in feeds.items()
    ]
    found = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    weights = [onnx.numpy_helper.from_array(value, name) for name, value in dict(constants).items()]
    graph = helper.make_graph(nodes, "g", inputs, found, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def floats(*shape):
    return RNG.uniform(-1, 1, shape).astype(np.float32)


def steps_of(nodes, feeds, outputs, constants=()):
    model = engine.load(built(nodes, feeds, outputs, constants), threads=1)
    answer, steps = model.profile_steps(feeds)
    assert set(answer) == set(outputs)
    return steps


def one(steps, *names):
    (found,) = [step for step in steps if step["operator"].rsplit(".", 1)[-1] in names]
    return found


def test_a_product_counts_exactly():
    x, w = floats(5, 7), floats(7, 11)
    step = one(
        steps_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": x}, ["y"], {"w": w}), "MatMul", "FusedMatMul"
    )
    assert (step["flops"], step["flops_counted"]) == (2 * 5 * 7 * 11, True)
    assert step["bytes"] == 4 * (5 * 7 + 7 * 11 + 5 * 11)
    assert step["seconds"] > 0


@pytest.mark.parametrize(("trans_a", "trans_b"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_transposed_product_counts_exactly(trans_a, trans_b):
    x, w = floats(*((7, 5) if trans_a else (5, 7))), floats(*((11, 7) if trans_b else (7, 11)))
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transA=trans_a, transB=trans_b)
    step = one(steps_of([node], {"x": x}, ["y"], {"w": w}), "Gemm", "FusedMatMul", "MatMul")
    assert (step["flops"], step["flops_counted"]) == (2 * 5 * 7 * 11, True)


@pytest.mark.parametrize("channels", [3, 16, 20])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_counts_exactly(channels, groups):
    channels *= groups
    x, w = floats(2, channels, 9, 10), floats(24, channels // groups, 3, 5)
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=groups, strides=[2, 1], pads=[1, 2, 1, 2])
    step = one(steps_of([node], {"x": x}, ["y"], {"w": w}), "Conv")
    assert (step["flops"], step["flops_counted"]) == (2 * 2 * 24 * 5 * 10 * (channels // groups) * 15, True)


def test_a_transposed_convolution_counts_its_input():
    x, w = floats(1, 4, 5, 6), floats(4, 3, 2, 2)
    step = one(
        steps_of([helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])], {"x": x}, ["y"], {"w": w}),
        "Conv",
        "ConvTranspose",
    )
    assert (step["flops"], step["flops_counted"]) == (2 * 5 * 6 * 4 * 3 * 4, True)


def test_a_recurrent_layer_counts_exactly():
    x, w, r = floats(6, 2, 5), floats(1, 12, 5), floats(1, 12, 3)
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=3)
    step = one(steps_of([node], {"x": x}, ["y"], {"w": w, "r": r}), "LSTM")
    assert (step["flops"], step["flops_counted"]) == (2 * 6 * 2 * 12 * (5 + 3), True)


def test_what_is_estimated_is_said_to_be():
    x = floats(4, 8)
    step = one(steps_of([helper.make_node("Softmax", ["x"], ["y"])], {"x": x}, ["y"]), "Softmax")
    assert not step["flops_counted"]
    assert step["flops"] == 5 * 32


def test_a_gather_reads_what_it_passes_on():
    table, rows = floats(1000, 8), np.array([1, 2, 3], np.int64)
    step = one(steps_of([helper.make_node("Gather", ["t", "i"], ["y"])], {"t": table, "i": rows}, ["y"]), "Gather")
    assert step["bytes"] == 2 * 3 * 8 * 4 + 3 * 8
    assert step["flops"] == 0


def test_an_unknown_operator_has_bytes_only():
    x = floats(3, 3)
    step = one(steps_of([helper.make_node("Det", ["x"], ["y"])], {"x": x}, ["y"]), "Det")
    assert step["flops"] is None
    assert step["bytes"] == 4 * 10


def test_shapes_that_a_run_decides_are_told():
    x = np.array([1, 0, 2], np.float32)
    nodes = [helper.make_node("NonZero", ["x"], ["i"]), helper.make_node("Cast", ["i"], ["y"], to=TensorProto.FLOAT)]
    assert not one(steps_of(nodes, {"x": x}, ["y"]), "NonZero")["shapes_known"]


def test_the_machine_reaches_something():
    peak = _core.machine_peak(1)
    assert peak["flops"] > 1e8
    assert peak["levels"][-1]["name"] == "memory"
    assert peak["levels"][-1]["fits"] is None
    fits = [level["fits"] for level in peak["levels"][:-1]]
    assert fits == sorted(fits)
    assert all(level["bytes"] > 1e8 for level in peak["levels"])
    with pytest.raises(ValueError, match="at least 1"):
        _core.machine_peak(0)


PEAK = {
    "threads": 1,
    "flops": 100e9,
    "levels": [{"name": "L2", "fits": 1000, "bytes": 50e9}, {"name": "memory", "fits": None, "bytes": 10e9}],
}


def step(flops, moved, seconds=1e-6, shapes_known=True, counted=True):
    return {
        "operator": "Op",
        "node": "n",
        "outputs": "o",
        "seconds": seconds,
        "flops": flops,
        "flops_counted": counted,
        "bytes": moved,
        "shapes_known": shapes_known,
    }


def test_the_roof():
    assert profile.roof(PEAK, step(2000, 500)) == (pytest.approx(2e-8), "flops")
    assert profile.roof(PEAK, step(None, 500)) == (pytest.approx(1e-8), "L2")
    assert profile.roof(PEAK, step(2000, 1001)) == (pytest.approx(1.001e-7), "memory")
    assert profile.roof(PEAK, step(2000, 500, shapes_known=False)) is None


def test_the_table():
    steps = [step(2e3, 500), step(None, 2000, seconds=3e-6), step(10, 10, counted=False)]
    machine, header, *rows, totals, note = profile.as_table(PEAK, steps, "time")
    assert "100.0 GF/s" in machine
    assert header.split()[:6] == ["step", "us", "time", "Mflop", "kB", "GF/s"]
    assert [row.split()[0] for row in rows] == ["1", "0", "2"]
    assert rows[0].split()[3] == "?"
    assert "~0.000" in rows[2]
    assert totals.split()[0] == "all"
    assert "estimated" in note
    assert [row.split()[0] for row in list(profile.as_table(PEAK, steps, "plan"))[2:5]] == ["0", "1", "2"]


MODEL = "examples/digits/digits.onnx"


def test_bench_profile(capsys):
    assert main(["bench", MODEL, "--shape", "image=2,8,8", "--threads", "1", "--seconds", "0.05", "--profile"]) == 0
    machine, header, *rows = capsys.readouterr().out.splitlines()
    assert machine.startswith("machine on 1 threads: ")
    assert "of roof" in header
    assert (
        sum(row.split()[0].isdigit() for row in rows)
        == engine.load(MODEL).plan({"image": np.zeros((2, 8, 8), np.float32)})["steps"]
    )


def test_bench_profile_json(capsys):
    arguments = ["bench", MODEL, "--shape", "image=2,8,8", "--threads", "1", "--seconds", "0.05", "--profile", "--json"]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"model", "engine", "isa", "profiles"}
    (found,) = report["profiles"]
    assert set(found) == {"machine", "seconds", "steps"}
    assert set(found["machine"]) == {"threads", "flops", "levels"}
    for row in found["steps"]:
        assert set(row) == {*step(0, 0), "roof_seconds", "bound", "roof_share"}
    assert sum(row["seconds"] for row in found["steps"]) == pytest.approx(found["seconds"])
