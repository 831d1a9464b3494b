"""Files whose large constants are read into memory of their own: the same model, digest and errors as from bytes."""

import hashlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from reading import read

import engine

RNG = np.random.default_rng(7)
LARGE = 70_001  # bytes at least, of constants that lie apart


def raw(name, dtype, shape, data):
    tensor = TensorProto(name=name, data_type=dtype, dims=shape)
    tensor.raw_data = data
    return tensor


def constants():
    bits = RNG.integers(0, 256, 4 * LARGE, np.uint8).tobytes()
    floats = RNG.uniform(-1, 1, LARGE).astype(np.float32)
    yield raw("floats", TensorProto.FLOAT, [LARGE], floats.tobytes())
    yield raw("halves", TensorProto.FLOAT16, [LARGE], floats.astype(np.float16).tobytes())
    yield raw("bytes", TensorProto.INT8, [LARGE], bits[:LARGE])
    yield raw("longs", TensorProto.INT64, [LARGE // 8, 2], bits[: LARGE // 8 * 16])
    yield raw("bools", TensorProto.BOOL, [LARGE], bits[:LARGE])
    yield raw("nibbles", TensorProto.INT4, [2 * LARGE + 1], bits[: LARGE + 1])
    yield raw("small", TensorProto.FLOAT, [100], floats[:100].tobytes())
    yield raw("just", TensorProto.UINT8, [65536], bits[:65536])
    yield raw("below", TensorProto.UINT8, [65535], bits[:65535])
    yield helper.make_tensor("typed", TensorProto.FLOAT, [LARGE], floats)
    yield helper.make_tensor("counted", TensorProto.INT64, [LARGE], list(range(LARGE)))


def branch(tensor):
    node = helper.make_node("Constant", [], ["held"], value=tensor)
    return helper.make_graph([node], "branch", [], [helper.make_tensor_value_info("held", TensorProto.FLOAT, None)])


def model(**changed):
    floats = RNG.uniform(-1, 1, LARGE).astype(np.float32).tobytes()
    nodes = [
        helper.make_node("Constant", [], ["inside"], value=raw("", TensorProto.FLOAT, [LARGE], floats)),
        helper.make_node("Constant", [], ["listed"], value_floats=[0.5] * LARGE),
        helper.make_node(
            "If",
            ["flag"],
            ["chosen"],
            then_branch=branch(raw("", TensorProto.FLOAT, [LARGE], floats[::-1])),
            else_branch=branch(raw("", TensorProto.FLOAT, [2], floats[:8])),
        ),
        helper.make_node("Local", ["flag"], ["called"], domain="own"),
    ]
    function = helper.make_function(
        "own",
        "Local",
        ["a"],
        ["b"],
        [helper.make_node("Constant", [], ["b"], value=raw("", TensorProto.FLOAT, [LARGE], floats))],
        [helper.make_opsetid("", 21)],
    )
    graph = helper.make_graph(
        nodes,
        changed.get("name", "g"),
        [helper.make_tensor_value_info("flag", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, None) for k in ("inside", "listed", "chosen", "called")],
        list(constants()),
    )
    return helper.make_model(
        graph,
        functions=[function],
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("own", 1)],
        ir_version=10,
    )


@pytest.mark.parametrize("shift", range(5))
def test_the_same_as_from_bytes(tmp_path, shift):
    data = model(name="g" * (1 + shift)).SerializeToString()
    assert len(data) > 1 << 20
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    found = read(path)
    assert found == read(data)
    assert found["sha256"] == hashlib.sha256(data).hexdigest()


def large_add():
    weights = RNG.uniform(-1, 1, 400_000).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [400_000])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [400_000])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString(), weights


def test_answers_and_digest(tmp_path):
    data, weights = large_add()
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    x = np.ones(400_000, np.float32)
    for how in ({}, {"sha256": digest}):
        loaded = engine.load(path, **how)
        assert loaded.digest == f"sha256:{digest}"
        np.testing.assert_array_equal(loaded(x), x + weights)


def test_constants_are_charged(tmp_path):
    data, weights = large_add()
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    assert engine.load(path).memory["used"] >= weights.nbytes
    with pytest.raises(engine.MemoryLimitExceeded):
        engine.load(path, memory_limit=weights.nbytes // 2)


def outcome(source):
    try:
        return read(source)
    except Exception as error:  # whatever it is: the same from a file as from bytes
        return type(error), str(error)


def test_cut_anywhere(tmp_path):
    data = model().SerializeToString()
    path = tmp_path / "model.onnx"
    for size in RNG.integers(1 << 20, len(data), 40):
        path.write_bytes(data[:size])
        from_file, from_bytes = outcome(path), outcome(data[:size])
        assert not isinstance(from_file, dict) and from_file[0] is from_bytes[0]


def test_damaged_anywhere(tmp_path):
    data = model().SerializeToString()
    path = tmp_path / "model.onnx"
    for _ in range(60):
        bad = bytearray(data)
        for at in (*RNG.integers(0, 2000, 2), RNG.integers(0, len(data))):
            bad[at] = RNG.integers(0, 256)
        path.write_bytes(bad)
        from_file, from_bytes = outcome(path), outcome(bytes(bad))
        assert isinstance(from_file, dict) == isinstance(from_bytes, dict)
        if isinstance(from_file, dict):
            assert from_file == from_bytes
        else:
            assert from_file[0] is from_bytes[0]


def test_two_values_of_one_constant(tmp_path):
    """The last counts, as protobuf has it."""
    first, second = (RNG.uniform(-1, 1, LARGE).astype(np.float32) for _ in range(2))
    tensor = raw("w", TensorProto.FLOAT, [LARGE], first.tobytes()).SerializeToString()
    tensor += TensorProto(raw_data=second.tobytes()).SerializeToString()
    data = read_back(tensor, "w")
    assert len(data) < 1 << 20
    filler = raw("f", TensorProto.UINT8, [1 << 20], bytes(1 << 20)).SerializeToString()
    data = read_back(tensor, "w", filler)
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    assert read(path) == read(data)
    np.testing.assert_array_equal(engine.load(path).run({})["w"], second)


def read_back(tensor, output, *more):
    def field(number, payload):
        size, head = len(payload), bytearray([number << 3 | 2])
        while size >= 128:
            head.append(size & 127 | 128)
            size >>= 7
        return bytes(head) + bytes([size]) + payload

    info = helper.make_tensor_value_info(output, TensorProto.FLOAT, None).SerializeToString()
    graph = field(2, b"g") + field(5, tensor) + b"".join(field(5, each) for each in more) + field(12, info)
    head = helper.make_model(helper.make_graph([], "g", [], []), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    head.ClearField("graph")
    return head.SerializeToString() + field(7, graph)
