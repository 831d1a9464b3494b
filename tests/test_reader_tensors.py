"""Every element type in every encoding that files use."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine import _testing
from reading import array, constants, oracle, read, same

SHAPES = [(), (0,), (1,), (2,), (3,), (4,), (5,), (7,), (3, 5), (2, 0, 3), (2, 3, 4, 5)]
NUMBERS = [n for n in range(1, 29) if n != TensorProto.STRING]
SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5]


def values(number: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(number))
    rng = np.random.default_rng(number)
    count = int(np.prod(shape))
    if dtype == np.bool_:
        return (rng.integers(0, 2, count) != 0).reshape(shape)
    if dtype in (ml_dtypes.int4, ml_dtypes.int2, ml_dtypes.uint4, ml_dtypes.uint2):
        info = ml_dtypes.iinfo(dtype)
        return rng.integers(int(info.min), int(info.max) + 1, count).astype(dtype).reshape(shape)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, count, dtype, endpoint=True).reshape(shape)
    if dtype.kind == "c":
        return (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(dtype).reshape(shape)
    numbers = rng.normal(size=count) * 3
    if dtype.kind == "f":
        numbers[: len(SPECIAL)] = SPECIAL[:count]
    return numbers.astype(dtype).reshape(shape)


def constant_model(tensor: TensorProto) -> onnx.ModelProto:
    tensor.name = tensor.name or "c"
    graph = onnx.GraphProto(name="g", initializer=[tensor])
    graph.output.add(name=tensor.name)
    return onnx.ModelProto(ir_version=10, graph=graph, opset_import=[helper.make_opsetid("", 21)])


def read_one(tensor: TensorProto) -> np.ndarray:
    return constants(read(constant_model(tensor))["graph"])[tensor.name]


def typed(value: np.ndarray, number: int) -> TensorProto:
    """The tensor in its typed field, as the format says, written by hand where the onnx package always writes raw_data."""
    tensor = TensorProto(data_type=number, dims=value.shape)
    flat = value.reshape(-1)
    name = helper.tensor_dtype_to_string(number)
    if name.endswith(("FLOAT", "COMPLEX64")):
        tensor.float_data.extend(flat.view(np.float32).tolist())
    elif name.endswith(("DOUBLE", "COMPLEX128")):
        tensor.double_data.extend(flat.view(np.float64).tolist())
    elif name.endswith(".INT64"):
        tensor.int64_data.extend(flat.tolist())
    elif name.endswith(("UINT64", "UINT32")):
        tensor.uint64_data.extend(flat.tolist())
    elif name.endswith(("INT4", "INT2", "E2M1")):
        tensor.int32_data.extend(numpy_helper.from_array(value).raw_data)
    elif flat.dtype.kind == "i":
        tensor.int32_data.extend(flat.tolist())
    else:
        tensor.int32_data.extend(flat.view(f"u{flat.dtype.itemsize}").tolist())
    return tensor


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: TensorProto.DataType.Name(n))
@pytest.mark.parametrize("encode", ["raw", "typed"])
def test_every_type_and_shape(number, encode):
    for shape in SHAPES:
        value = values(number, shape)
        tensor = numpy_helper.from_array(value) if encode == "raw" else typed(value, number)
        assert tensor.data_type == number
        found = read_one(tensor)
        assert same(found, oracle(tensor)), (shape, found, value)
        assert found.shape == shape


@pytest.mark.parametrize("shape", SHAPES)
def test_strings(shape):
    texts = np.array([f"s{i}\0é" for i in range(int(np.prod(shape)))], dtype=object).reshape(shape)
    found = read_one(helper.make_tensor("c", TensorProto.STRING, shape, [t.encode() for t in texts.reshape(-1)]))
    assert found.shape == shape
    assert [t.decode() for t in found.reshape(-1)] == list(texts.reshape(-1))


def varint(value: int) -> bytes:
    out = b""
    value &= (1 << 64) - 1
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, payload: bytes | int) -> bytes:
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def wire_model(tensor: bytes) -> bytes:
    graph = field(5, tensor) + field(12, field(1, b"c"))
    return field(1, 10) + field(8, field(2, 21)) + field(7, graph)


def read_wire(tensor: bytes) -> np.ndarray:
    return constants(_testing.read_model(wire_model(tensor + field(8, b"c")))["graph"])["c"]


def test_unpacked_and_chunked_fields():
    floats = np.arange(5, dtype=np.float32)
    one_by_one = b"".join(varint(4 << 3 | 5) + f.tobytes() for f in floats)
    assert same(read_wire(field(1, 5) + field(2, 1) + one_by_one), floats)
    chunks = (
        field(4, floats[:2].tobytes()) + varint(4 << 3 | 5) + floats[2:3].tobytes() + field(4, floats[3:].tobytes())
    )
    assert same(read_wire(field(1, 5) + field(2, 1) + chunks), floats)
    integers = np.array([-1, 1 << 40, 0, -(1 << 63)], np.int64)
    one_by_one = b"".join(field(7, int(i)) for i in integers)
    assert same(read_wire(field(1, varint(2) + varint(2)) + field(2, 7) + one_by_one), integers.reshape(2, 2))
    mixed = field(7, varint(-1) + varint(1 << 40)) + field(7, 0) + field(7, b"") + field(7, varint(-(1 << 63)))
    assert same(read_wire(field(1, 4) + field(2, 7) + mixed), integers)


def test_data_before_shape_and_type():
    assert same(read_wire(field(9, b"\1\0\2\0") + field(2, 5) + field(1, 2)), np.array([1, 2], np.int16))
    assert same(read_wire(field(5, varint(-1) + varint(300)) + field(2, 3) + field(1, 2)), np.array([-1, 44], np.int8))


def test_bools_become_zero_or_one():
    assert same(read_wire(field(1, 4) + field(2, 9) + field(9, b"\0\1\2\xff")), np.array([0, 1, 1, 1], bool))
    assert same(
        read_wire(field(1, 3) + field(2, 9) + field(5, varint(0) + varint(256) + varint(-1))), np.array([0, 1, 1], bool)
    )


def test_empty_raw_data_beside_a_typed_field():
    assert same(read_wire(field(1, 1) + field(2, 6) + field(9, b"") + field(5, varint(7))), np.array([7], np.int32))


def shifted(model, values, path, remainder):
    """Writes the model; the producer's name moves the tensor until it lies so."""
    for padding in range(32):
        model.producer_name = "p" * padding
        data = model.SerializeToString()
        if data.index(values[:64].tobytes()) % values.itemsize == remainder:
            path.write_bytes(data)
            return


def test_mapped_constants_are_views(tmp_path):
    big = np.arange(20 << 20, dtype=np.float32)
    model = constant_model(numpy_helper.from_array(big, "big"))
    path = tmp_path / "model.onnx"
    shifted(model, big, path, 0)
    shared = read(path)
    assert shared["memory_used"] == 0
    copied = read(path, share_mapping=False)
    assert copied["memory_used"] == big.nbytes
    assert copied["graph"]["values"][0]["aligned"] == 0
    assert same(constants(shared["graph"])["big"], big)
    assert same(constants(copied["graph"])["big"], big)
    shifted(model, big, path, 1)
    moved = read(path)
    assert moved["memory_used"] == 0
    assert same(constants(moved["graph"])["big"], big)


def test_mapped_constants_of_other_types_are_copied_unless_aligned(tmp_path):
    big = np.arange(10 << 20, dtype=np.float64)
    model = constant_model(numpy_helper.from_array(big, "big"))
    path = tmp_path / "model.onnx"
    for remainder, used in ((0, 0), (4, big.nbytes)):
        shifted(model, big, path, remainder)
        found = read(path)
        assert found["memory_used"] == used
        assert same(constants(found["graph"])["big"], big)


def sparse(values: np.ndarray, indices: list, dims: list[int], name: str = "s") -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(
        values=numpy_helper.from_array(values, name),
        indices=numpy_helper.from_array(np.array(indices, np.int64)),
        dims=dims,
    )


def sparse_model(tensor: onnx.SparseTensorProto) -> onnx.ModelProto:
    graph = onnx.GraphProto(name="g", sparse_initializer=[tensor])
    graph.output.add(name=tensor.values.name)
    return onnx.ModelProto(ir_version=10, graph=graph, opset_import=[helper.make_opsetid("", 21)])


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.float16, np.complex128, np.bool_])
def test_sparse_initializers_become_dense(dtype):
    dense = np.zeros((3, 4), dtype)
    dense[0, 1], dense[2, 0], dense[2, 3] = 1, 1, 1
    stored = np.ones(3, dtype)
    flat = read(sparse_model(sparse(stored, [1, 8, 11], [3, 4])))
    by_axis = read(sparse_model(sparse(stored, [[0, 1], [2, 0], [2, 3]], [3, 4])))
    assert same(constants(flat["graph"])["s"], dense)
    assert same(constants(by_axis["graph"])["s"], dense)
    assert same(constants(read(sparse_model(sparse(stored[:0], [], [3, 4])))["graph"])["s"], np.zeros((3, 4), dtype))


def test_sparse_strings():
    tensor = sparse(np.zeros(1, np.int64), [2], [3])
    tensor.values.CopyFrom(helper.make_tensor("s", TensorProto.STRING, [1], [b"x"]))
    assert list(constants(read(sparse_model(tensor))["graph"])["s"]) == [b"", b"", b"x"]


@pytest.mark.parametrize(
    ("indices", "dims"),
    [([1, 1, 2], [4]), ([0, 2, 1], [4]), ([0, 1, 4], [4]), ([-1, 1, 2], [4]), ([0, 1], [4]), ([0, 1, 2], [-4])],
)
def test_sparse_indices_are_checked(indices, dims):
    with pytest.raises(_testing.ReadError, match="InvalidModel.*sparse"):
        read(sparse_model(sparse(np.ones(3, np.float32), indices, dims)))


HUGE = 1 << 62

BAD = {
    "raw too short": (field(1, 3) + field(2, 1) + field(9, b"\0" * 8), "raw_data has 8 bytes, float32.3. needs 12"),
    "raw too long": (field(1, 3) + field(2, 1) + field(9, b"\0" * 16), "raw_data has 16 bytes"),
    "nothing": (field(1, 3) + field(2, 1), "needs 3"),
    "entries too few": (field(1, 3) + field(2, 7) + field(7, varint(1)), "has 1 entries"),
    "wrong field": (field(1, 1) + field(2, 7) + field(5, varint(1)), "belong in field 7"),
    "two fields": (field(1, 2) + field(2, 7) + field(5, varint(1)) + field(7, varint(1)), "two fields"),
    "raw and typed": (
        field(1, 1) + field(2, 7) + field(9, b"\0" * 8) + field(7, varint(1)),
        "raw_data and in a typed field",
    ),
    "negative dimension": (field(1, -1) + field(2, 1) + field(9, b""), "dimension 0 is -1"),
    "overflow": (field(1, HUGE) + field(1, 4) + field(2, 1) + field(9, b""), "too large"),
    "overflow behind zero": (field(1, 0) + field(1, HUGE) + field(1, HUGE) + field(2, 1), "too large"),
    "rank": (b"".join(field(1, 1) for _ in range(13)) + field(2, 1) + field(9, b"\0" * 4), "12 dimensions"),
    "no type": (field(1, 1) + field(9, b"\0"), "no element type"),
    "raw strings": (field(1, 1) + field(2, 8) + field(9, b"a"), "string_data"),
    "string count": (field(1, 2) + field(2, 8) + field(6, b"a"), "has 1 entries"),
    "broken varint": (field(1, 1) + field(2, 7) + field(7, b"\x80"), "cut off|whole integers|entries"),
    "ragged floats": (field(1, 1) + field(2, 1) + field(4, b"\0\0\0"), "fixed-width"),
    "location": (field(1, 1) + field(2, 1) + field(14, 7), "data location is 7"),
    "huge and empty": (field(1, 1 << 40) + field(2, 1), "needs 1099511627776"),
}


@pytest.mark.parametrize("case", BAD)
def test_malformed_tensors(case):
    tensor, message = BAD[case]
    with pytest.raises(
        _testing.ReadError, match=f"(?s)InvalidModel.*initializer 'c'.*{message}|(?s:{message})"
    ) as caught:
        read_wire(tensor)
    assert caught.value.args[0] == "InvalidModel"


@pytest.mark.parametrize(("number", "extra"), [(29, b""), (1000, b""), (1, field(3, field(1, 0)))])
def test_unsupported_tensors(number, extra):
    with pytest.raises(_testing.ReadError) as caught:
        read_wire(field(1, 1) + field(2, number) + field(9, b"\0" * 4) + extra)
    assert caught.value.args[0] == "UnsupportedOperator"


def test_array_reads_what_was_described():
    assert same(array(("int4", (2,), b"\xff\x07")), np.array([-1, 7], np.int8))
