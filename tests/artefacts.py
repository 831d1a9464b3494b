"""What the tests of manifests and repositories share: models whose answer tells which weights they have, folders, keys."""

import json
import os

import engine
import numpy as np
from onnx import TensorProto, helper
from servicing import to_bytes

N = 64


def external_model(*names):
    """y = x @ w + x @ v + ..., with the weights in files of these names."""
    weights = [
        TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=[N, N], data_location=TensorProto.EXTERNAL)
        for i in range(len(names))
    ]
    for tensor, name in zip(weights, names, strict=True):
        tensor.external_data.add(key="location", value=name)
    products = [helper.make_node("MatMul", ["x", w.name], [f"y{i}"]) for i, w in enumerate(weights)]
    shape = TensorProto.FLOAT, [8, N]
    graph = helper.make_graph(
        [*products, helper.make_node("Sum", [f"y{i}" for i in range(len(names))], ["y"])],
        "external",
        [helper.make_tensor_value_info("x", *shape)],
        [helper.make_tensor_value_info("y", *shape)],
        weights,
    )
    return to_bytes(graph)


def weights(value):
    """With x of ones each such product is `value` everywhere."""
    return np.full((N, N), value / N, np.float32).tobytes()


def ones():
    return {"x": np.ones((8, N), np.float32)}


def answer(model, **options):
    """The value that its weights give."""
    return float(model.run(ones(), **options)["y"][0, 0])


def write_external(folder, value=1.0, name="w.bin"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(external_model(name))
    (folder / name).write_bytes(weights(value))
    return folder


def edit(path, change):
    """Rewrites a JSON file as `change` leaves its content."""
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


def flip(path, at=-5):
    """One bit."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def packed(folder, value=1.0, name="m", version=1, **options):
    write_external(folder, value)
    engine.pack(folder, name=name, version=version, **options)
    return folder


def put(root, number, value=None, name="m", manifest=True, **options):
    """A version that arrives whole: made elsewhere, then renamed into its place. Its answer is `value`, by default its number."""
    place = root / name / str(number)
    made = root / ".incoming" / f"{name}-{number}"
    write_external(made, number if value is None else value)
    if manifest:
        engine.pack(made, name=name, version=number, **options)
    place.parent.mkdir(parents=True, exist_ok=True)
    os.rename(made, place)
    return place


def states(repository):
    return {(row.name, row.version): row.state for row in repository.index()}


def kinds(repository, *wanted):
    """(kind, version) of its events, of these kinds only if some are named."""
    return [(event.kind, event.version) for event in repository.events() if not wanted or event.kind in wanted]
