"""Constants of large files are read where they lie, aligned or not: the same answers as from copies."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import engine
from engine import _core
from engine import _testing as t

RNG = np.random.default_rng(3)


def floats(*shape):
    return RNG.uniform(-1, 1, shape).astype(np.float32)


CONSTANTS = {
    "wide": floats(4096, 4096),
    "turned": floats(64, 4096),
    "left": floats(16, 4096),
    "column": floats(32768, 1),
    "table": floats(512, 64),
    "term": floats(200, 100),
    "answer": floats(130, 130),
    "half": floats(300, 200).astype(np.float16),
    "small": floats(7),
}
FEEDS = {
    "x": floats(2, 4096),
    "z": floats(4096, 3),
    "long": floats(2, 32768),
    "rows": np.array([3, 511, 0], np.int64),
    "q": floats(1, 512),
    "u": floats(200, 100),
    "h": floats(2, 300).astype(np.float16),
    "flag": np.array(True),
}
WANTED = {
    "by_wide": lambda c, f: f["x"] @ c["wide"],
    "by_turned": lambda c, f: f["x"] @ c["turned"].T,
    "by_left": lambda c, f: c["left"] @ f["z"],
    "by_column": lambda c, f: f["long"] @ c["column"],
    "rows_of_table": lambda c, f: c["table"][f["rows"]],
    "by_table": lambda c, f: f["q"] @ c["table"],
    "sum": lambda c, f: f["u"] + c["term"],
    "answer": lambda c, f: c["answer"],
    "by_half": lambda c, f: f["h"] @ c["half"],
    "in_branch": lambda c, f: f["q"] @ c["table"],
    "square": lambda c, f: c["answer"] @ c["answer"],
}


def branch(name, node):
    return helper.make_graph([node], name, [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)])


def model():
    nodes = [
        helper.make_node("MatMul", ["x", "wide"], ["by_wide"]),
        helper.make_node("Gemm", ["x", "turned"], ["by_turned"], transB=1),
        helper.make_node("MatMul", ["left", "z"], ["by_left"]),
        helper.make_node("MatMul", ["long", "column"], ["by_column"]),
        helper.make_node("Gather", ["table", "rows"], ["rows_of_table"]),
        helper.make_node("MatMul", ["q", "table"], ["by_table"]),
        helper.make_node("Add", ["u", "term"], ["sum"]),
        helper.make_node("MatMul", ["h", "half"], ["by_half"]),
        helper.make_node("MatMul", ["answer", "answer"], ["square"]),
        helper.make_node(
            "If",
            ["flag"],
            ["in_branch"],
            then_branch=branch("t", helper.make_node("MatMul", ["q", "table"], ["b"])),
            else_branch=branch("e", helper.make_node("Identity", ["q"], ["b"])),
        ),
    ]
    inputs = [
        helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in FEEDS.items()
    ]
    kinds = {"by_half": TensorProto.FLOAT16}
    outputs = [helper.make_tensor_value_info(k, kinds.get(k, TensorProto.FLOAT), None) for k in WANTED]
    weights = [onnx.numpy_helper.from_array(value, name) for name, value in CONSTANTS.items()]
    return helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, weights),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """The same model with its constants moved by a byte each."""
    folder, built = tmp_path_factory.mktemp("shifted"), model()
    paths = []
    for shift in range(4):
        built.producer_name = "p" * (1 + shift)
        paths.append(folder / f"{shift}.onnx")
        paths[-1].write_bytes(built.SerializeToString())
    assert paths[0].stat().st_size > 64 << 20
    return paths


def check(path):
    mapped, copied = engine.load(path), engine.load(path.read_bytes())
    answers = mapped.run(FEEDS)
    for name, value in copied.run(FEEDS).items():
        np.testing.assert_array_equal(answers[name], value, err_msg=name)
        tolerance = 2e-2 if value.dtype == np.float16 else 1e-4
        np.testing.assert_allclose(
            value, WANTED[name](CONSTANTS, FEEDS), rtol=tolerance, atol=tolerance * 10, err_msg=name
        )
    return mapped, copied


@pytest.mark.parametrize("shift", range(4))
def test_answers_are_those_of_copies(shifted, shift):
    mapped, copied = check(shifted[shift])
    assert mapped.memory["packed"] == copied.memory["packed"]
    assert mapped.memory["used"] < copied.memory["used"] - CONSTANTS["wide"].nbytes * 0.9


@pytest.mark.parametrize("isa", t.supported_isas())
def test_on_every_instruction_set(shifted, isa):
    before = engine.isa()
    _core._force_isa(isa)
    try:
        check(shifted[1])
    finally:
        _core._force_isa(before)


def test_other_plans_share_what_was_copied(shifted):
    mapped = engine.load(shifted[2])
    mapped.run(FEEDS)
    used = mapped.memory["used"]
    for _ in range(3):
        mapped.run(FEEDS)
    assert mapped.memory["used"] == used


def test_the_limit_counts_copies(shifted):
    with pytest.raises(engine.MemoryLimitExceeded):
        engine.load(shifted[3], memory_limit=1 << 20)


@pytest.mark.parametrize("optimize", ["off", "cheap"])
def test_without_fusions(shifted, optimize):
    mapped = engine.load(shifted[3], optimize=optimize)
    for name, value in mapped.run(FEEDS).items():
        tolerance = 2e-2 if value.dtype == np.float16 else 1e-4
        np.testing.assert_allclose(
            value, WANTED[name](CONSTANTS, FEEDS), rtol=tolerance, atol=tolerance * 10, err_msg=name
        )
