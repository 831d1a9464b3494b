"""External data: found beside the model, never outside the folders that it may be in."""

from __future__ import annotations

import hashlib
import os
import resource

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine import _testing
from reading import constants, read, same

W = np.arange(12, dtype=np.float32).reshape(3, 4)


def external(name: str, value: np.ndarray, **entries: object) -> TensorProto:
    tensor = TensorProto(
        name=name,
        data_type=helper.np_dtype_to_tensor_dtype(value.dtype),
        dims=value.shape,
        data_location=TensorProto.EXTERNAL,
    )
    for key, entry in entries.items():
        tensor.external_data.add(key=key, value=str(entry))
    return tensor


def model_with(*tensors: TensorProto) -> onnx.ModelProto:
    graph = onnx.GraphProto(name="g", initializer=tensors)
    for tensor in tensors:
        graph.output.add(name=tensor.name)
    return onnx.ModelProto(ir_version=10, graph=graph, opset_import=[helper.make_opsetid("", 21)])


@pytest.fixture
def folder(tmp_path):
    """model/ with the model's place and its data, beside it outside/ with a secret."""
    for name in ("model", "outside", "model/sub"):
        (tmp_path / name).mkdir()
    (tmp_path / "model" / "w.bin").write_bytes(W.tobytes())
    (tmp_path / "outside" / "secret.bin").write_bytes(W.tobytes())
    return tmp_path


def read_in(folder, *tensors: TensorProto, **options) -> dict:
    path = folder / "model" / "m.onnx"
    path.write_bytes(model_with(*tensors).SerializeToString())
    return read(path, **options)


def refused(folder, code: str, tensor: TensorProto, *parts: str, **options) -> None:
    with pytest.raises(_testing.ReadError) as caught:
        read_in(folder, tensor, **options)
    found, message = caught.value.args
    assert found == code, message
    for part in (f"'{tensor.name}'", *parts):
        assert part in message


@pytest.mark.parametrize("location", ["w.bin", "./w.bin", "sub/../w.bin", "sub//x.bin"])
def test_locations(folder, location):
    (folder / "model" / "sub" / "x.bin").write_bytes(W.tobytes())
    tensor = external("w", W, location=location)
    if ".." in location:
        refused(folder, "InvalidModel", tensor, "'..'")
    else:
        assert same(constants(read_in(folder, tensor)["graph"])["w"], W)


def test_offset_and_length(folder):
    data = read_in(
        folder,
        external("all", W, location="w.bin"),
        external("row", W[1], location="w.bin", offset=16, length=16),
        external("end", W[2], location="w.bin", offset=32),
        external("none", W[:0], location="w.bin", offset=48, length=0),
        external("odd", np.zeros(3, np.int8), location="w.bin", offset=5),
    )
    found = constants(data["graph"])
    assert same(found["all"], W)
    assert same(found["row"], W[1])
    assert same(found["end"], W[2])
    assert same(found["none"], W[:0])
    assert found["odd"].tobytes() == W.tobytes()[5:8]


def test_files_are_listed_once_with_their_digests(folder):
    (folder / "model" / "v.bin").write_bytes(W.tobytes())
    tensors = [external(f"w{i}", W, location="w.bin") for i in range(3)] + [external("v", W, location="v.bin")]
    digest = hashlib.sha256(W.tobytes()).hexdigest()
    paths = [str((folder / "model" / name).resolve()) for name in ("w.bin", "v.bin")]
    assert read_in(folder, *tensors)["files"] == [(path, 48, "") for path in paths]
    assert read_in(folder, *tensors, hash_files=True)["files"] == [(path, 48, digest) for path in paths]


def test_digests_by_location(folder):
    """Held to the bytes that are used; a location that is not listed is refused."""
    (folder / "model" / "v.bin").write_bytes((W + 1).tobytes())
    (folder / "model" / "link.bin").symlink_to("v.bin")
    w, v = (hashlib.sha256(data.tobytes()).hexdigest() for data in (W, W + 1))
    listed = {"w.bin": w, "./v.bin": "SHA256:" + v.upper(), "not/used.bin": w}
    tensors = [external("w", W, location=".//w.bin"), external("v", W, location="v.bin")]
    found = read_in(folder, *tensors, file_digests=listed)
    assert same(constants(found["graph"])["v"], W + 1)
    assert [sha256 for _, _, sha256 in found["files"]] == [w, v]
    refused(folder, "DigestMismatch", tensors[0], "'w.bin'", w, "0" * 64, file_digests={"w.bin": "0" * 64})
    refused(folder, "DigestMismatch", tensors[0], "'w.bin'", "not among the files", file_digests={"v.bin": v})
    refused(folder, "DigestMismatch", tensors[0], file_digests={"w.bin": "no digest"})
    link = external("l", W, location="link.bin")
    refused(folder, "DigestMismatch", link, "'link.bin'", v, w, file_digests={"link.bin": w, "v.bin": v})
    with pytest.raises(_testing.ReadError, match="DigestMismatch.*link.bin"):
        read_in(folder, tensors[1], link, file_digests={"link.bin": w, "v.bin": v})


def test_packed_and_narrow_types(folder):
    (folder / "model" / "w.bin").write_bytes(b"\x21\x43\xf5\x01\x00\xff")
    packed = external("p", np.zeros(5, np.int8), location="w.bin", length=3)
    packed.data_type = TensorProto.INT4
    flags = external("b", np.zeros(3, bool), location="w.bin", offset=3)
    found = constants(read_in(folder, packed, flags)["graph"])
    assert found["p"].tolist() == [1, 2, 3, 4, 5]
    assert same(found["b"], np.array([True, False, True]))


def test_large_files_are_mapped(folder):
    big = np.arange(20 << 20, dtype=np.float32)
    (folder / "model" / "big.bin").write_bytes(b"\0" + b"\0" * 4095 + big.tobytes())
    aligned = external("a", big, location="big.bin", offset=4096)
    moved = external("b", big[:5], location="big.bin", offset=1)
    found = read_in(folder, aligned, moved)
    assert same(constants(found["graph"])["a"], big)
    assert found["memory_used"] == 20
    assert read_in(folder, aligned, share_mapping=False)["memory_used"] == big.nbytes


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("../outside/secret.bin", "'..'"),
        ("sub/../../outside/secret.bin", "'..'"),
        ("..", "'..'"),
        ("/etc/passwd", "absolute"),
        ("//etc/passwd", "absolute"),
        ("", "empty"),
        ("w.bin\0", "NUL"),
        ("w.bin\0/../../outside/secret.bin", "NUL"),
        ("a" * 5000, "too long"),
    ],
)
def test_locations_outside_are_refused(folder, location, reason):
    refused(folder, "InvalidModel", external("w", W, location=location), reason)


def test_no_location(folder):
    refused(folder, "InvalidModel", external("w", W), "empty")


@pytest.mark.parametrize("kind", ["file", "folder", "chain", "absolute"])
def test_links_out_are_refused(folder, kind):
    model = folder / "model"
    location = "link.bin"
    if kind == "file":
        (model / "link.bin").symlink_to("../outside/secret.bin")
    elif kind == "absolute":
        (model / "link.bin").symlink_to(folder / "outside" / "secret.bin")
    elif kind == "chain":
        (model / "link.bin").symlink_to("sub/other")
        (model / "sub" / "other").symlink_to("../../outside/secret.bin")
    else:
        (model / "dir").symlink_to("../outside")
        location = "dir/secret.bin"
    tensor = external("w", W, location=location)
    refused(folder, "InvalidModel", tensor, "link out of the model's folder", "external_data_dirs")
    found = read_in(folder, tensor, external_data_dirs=[str(folder / "outside")])
    assert same(constants(found["graph"])["w"], W)
    assert found["files"][0][0] == str((folder / "outside" / "secret.bin").resolve())


def test_links_inside_are_followed(folder):
    (folder / "model" / "link.bin").symlink_to("w.bin")
    (folder / "model" / "sub" / "up.bin").symlink_to("../w.bin")
    found = read_in(folder, external("a", W, location="link.bin"), external("b", W, location="sub/up.bin"))
    assert len(found["files"]) == 1
    assert same(constants(found["graph"])["b"], W)


def test_a_folder_whose_name_only_begins_alike_is_outside(folder):
    (folder / "model2").mkdir()
    (folder / "model2" / "x.bin").write_bytes(W.tobytes())
    (folder / "model" / "x.bin").symlink_to("../model2/x.bin")
    refused(folder, "InvalidModel", external("w", W, location="x.bin"), "link out")


def test_model_reached_by_a_link_has_its_data_beside_the_link(folder):
    """As caches lay files out: snapshots/model.onnx and its data are links into blobs."""
    blobs, snapshot = folder / "blobs", folder / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    (blobs / "1").write_bytes(model_with(external("w", W, location="w.bin")).SerializeToString())
    (blobs / "2").write_bytes(W.tobytes())
    (snapshot / "m.onnx").symlink_to("../blobs/1")
    (snapshot / "w.bin").symlink_to("../blobs/2")
    with pytest.raises(_testing.ReadError, match="link out"):
        read(snapshot / "m.onnx")
    assert same(constants(read(snapshot / "m.onnx", external_data_dirs=[str(blobs)])["graph"])["w"], W)


def test_hard_links(folder):
    os.link(folder / "outside" / "secret.bin", folder / "model" / "hard.bin")
    tensor = external("w", W, location="hard.bin")
    refused(folder, "InvalidModel", tensor, "hard links")
    assert read_in(folder, tensor, external_data_dirs=[str(folder / "outside")])


def test_what_is_no_file(folder):
    os.mkfifo(folder / "model" / "fifo")
    refused(folder, "FileNotFound", external("w", W, location="fifo"), "pipe")
    refused(folder, "FileNotFound", external("w", W, location="sub"), "directory")
    refused(folder, "FileNotFound", external("w", W, location="none.bin"), "No such file")
    (folder / "model" / "loop").symlink_to("loop")
    refused(folder, "FileNotFound", external("w", W, location="loop"), "loop")


@pytest.mark.parametrize(
    ("entries", "part"),
    [
        ({"offset": 4}, "goes beyond"),
        ({"offset": 49}, "goes beyond"),
        ({"offset": 2**63 - 1}, "goes beyond"),
        ({"offset": 2**63}, "no byte count"),
        ({"offset": -1}, "no byte count"),
        ({"offset": "0x10"}, "no byte count"),
        ({"offset": " 1"}, "no byte count"),
        ({"offset": "1e2"}, "no byte count"),
        ({"length": 47}, "has 47 bytes"),
        ({"length": 2**62}, "has 4611686018427387904 bytes"),
        ({"length": -48}, "no byte count"),
        ({"length": "48\0"}, "no byte count"),
    ],
)
def test_offsets_and_lengths_are_checked(folder, entries, part):
    refused(folder, "InvalidModel", external("w", W, location="w.bin", **entries), part)


def test_dimensions_larger_than_the_file(folder):
    tensor = external("w", W, location="w.bin")
    tensor.dims[:] = [1 << 40]
    refused(folder, "InvalidModel", tensor, "goes beyond")


def test_data_inside_and_outside(folder):
    tensor = external("w", W, location="w.bin")
    tensor.raw_data = W.tobytes()
    refused(folder, "InvalidModel", tensor, "external")


def test_strings_are_never_external(folder):
    tensor = external("w", W, location="w.bin")
    tensor.data_type = TensorProto.STRING
    refused(folder, "InvalidModel", tensor, "string_data")


def test_models_from_bytes_have_no_folder(folder):
    data = model_with(external("w", W, location="w.bin")).SerializeToString()
    with pytest.raises(_testing.ReadError, match="InvalidModel.*external_data_dirs"):
        read(data)
    assert same(constants(read(data, external_data_dirs=[str(folder / "model")])["graph"])["w"], W)
    with pytest.raises(_testing.ReadError, match="FileNotFound"):
        read(data, external_data_dirs=[str(folder / "outside")])
    with pytest.raises(_testing.ReadError, match="FileNotFound"):
        read(data, external_data_dirs=[str(folder / "missing")])


def test_several_folders_are_searched_in_order(folder):
    other = folder / "other"
    other.mkdir()
    (other / "w.bin").write_bytes((W + 1).tobytes())
    data = model_with(external("w", W, location="w.bin")).SerializeToString()
    dirs = [str(folder / "outside"), str(other), str(folder / "model")]
    assert same(constants(read(data, external_data_dirs=dirs)["graph"])["w"], W + 1)


def test_copies_of_one_region_are_bounded(folder):
    (folder / "model" / "big.bin").write_bytes(b"\0" * (65 << 20))
    row = np.zeros(16 << 20, np.float32)
    tensors = [external(f"w{i}", row, location="big.bin", offset=1) for i in range(100)]
    with pytest.raises(_testing.ReadError, match="InvalidModel.*too large"):
        read_in(folder, *tensors)
    with pytest.raises(_testing.ReadError, match="MemoryLimitExceeded"):
        read_in(folder, *tensors, memory_limit=100 << 20)
    # Views cost nothing, however many there are.
    tensors = [external(f"w{i}", row, location="big.bin", offset=4096) for i in range(100)]
    path = folder / "model" / "views.onnx"
    path.write_bytes(model_with(*tensors).SerializeToString())
    assert _testing.read_model_only(str(path)) == 0


def test_attributes_may_be_external(folder):
    path = folder / "model" / "m.onnx"
    graph = onnx.GraphProto(name="g", node=[helper.make_node("Constant", [], ["c"])])
    graph.node[0].attribute.add(name="value", type=onnx.AttributeProto.TENSOR, t=external("", W, location="w.bin"))
    graph.output.add(name="c")
    path.write_bytes(
        onnx.ModelProto(ir_version=10, graph=graph, opset_import=[helper.make_opsetid("", 21)]).SerializeToString()
    )
    assert same(constants(read(path)["graph"])["c"], W)


def test_writers_in_between_are_found(folder):
    path = folder / "model" / "w.bin"

    def check(change) -> None:
        os.utime(path, ns=(0, 0))
        _testing.check_unchanged_after(str(path), change)

    check(lambda: None)
    check(lambda: path.read_bytes())
    for change in (
        lambda: path.write_bytes(W.tobytes()),
        lambda: path.write_bytes(W.tobytes()[:-1]),
        lambda: os.truncate(path, 8),
    ):
        with pytest.raises(_testing.ReadError, match="InvalidModel.*changed while it was read"):
            check(change)
    (folder / "new.bin").write_bytes(b"new")
    check(lambda: os.replace(folder / "new.bin", path))
    check(lambda: path.unlink())


def test_more_files_than_handles(folder):
    tensors = []
    for i in range(300):
        (folder / "model" / f"{i}.bin").write_bytes(W.tobytes())
        tensors.append(external(f"w{i}", W, location=f"{i}.bin"))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
    try:
        found = read_in(folder, *tensors)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(found["files"]) == 300
