"""InferenceSession: what it tells of a model, and what run takes and gives."""

import concurrent.futures
import pathlib

import fronting
import numpy as np
import pytest

X = np.arange(8, dtype=np.float32).reshape(2, 4)


def described(args):
    return [(arg.name, arg.type, arg.shape) for arg in args]


def test_tells_of_inputs_and_outputs(ort):
    session = ort.InferenceSession(fronting.product())
    assert described(session.get_inputs()) == [("x", "tensor(float)", ["N", 4])]
    assert described(session.get_outputs()) == [("y", "tensor(float)", ["N", 4]), ("z", "tensor(float)", ["N", 4])]
    assert str(session.get_inputs()[0]) == "NodeArg(name='x', type='tensor(float)', shape=['N', 4])"


def test_tells_of_other_types(ort):
    session = ort.InferenceSession(fronting.sequences())
    assert described(session.get_inputs()) == [
        ("s", "seq(tensor(float))", []),
        ("u", "tensor(float)", []),
        ("t", "tensor(string)", [None, "k", 3]),
    ]
    assert ort.InferenceSession(fronting.optional()).get_inputs()[0].type == "optional(tensor(float))"
    assert ort.InferenceSession(fronting.classifier()).get_outputs()[1].type == "seq(map(int64,tensor(float)))"


def test_tells_of_the_file(ort):
    meta = ort.InferenceSession(fronting.product()).get_modelmeta()
    assert (meta.producer_name, meta.graph_name, meta.domain, meta.version) == ("tests", "little", "org.example", 7)
    assert (meta.description, meta.graph_description) == ("of the model", "of the graph")
    assert meta.custom_metadata_map == {"labels": "a,b"}


@pytest.mark.parametrize("names", [None, [], ["y", "z"], ("y", "z")])
def test_all_outputs_in_order(ort, names):
    y, z = ort.InferenceSession(fronting.product()).run(names, {"x": X})
    np.testing.assert_array_equal(y, X)
    np.testing.assert_array_equal(z, -X)


def test_outputs_as_asked_for(ort):
    session = ort.InferenceSession(fronting.product())
    z, y, again = session.run(["z", "y", "z"], {"x": X})
    np.testing.assert_array_equal(y, X)
    np.testing.assert_array_equal(z, -X)
    np.testing.assert_array_equal(again, -X)
    assert isinstance(session.run(output_names=["z"], input_feed={"x": X}, run_options=None), list)


@pytest.mark.parametrize(
    "x",
    [
        X.tolist(),
        X.astype(int).tolist(),
        np.asfortranarray(X),
        np.repeat(X, 2, axis=1)[:, ::2],
        np.zeros((0, 4), np.float32),
    ],
    ids=["lists", "lists of int", "column order", "strided", "empty"],
)
def test_feeds(ort, x):
    (z,) = ort.InferenceSession(fronting.product()).run(["z"], {"x": x})
    np.testing.assert_array_equal(z, -np.asarray(x, np.float32).reshape(-1, 4))


def test_feeds_of_any_mapping(ort):
    import collections

    (z,) = ort.InferenceSession(fronting.product()).run(["z"], collections.OrderedDict(x=X))
    np.testing.assert_array_equal(z, -X)


def test_ort_values_as_feeds(ort):
    (z,) = ort.InferenceSession(fronting.product()).run(["z"], {"x": ort.OrtValue.ortvalue_from_numpy(X)})
    np.testing.assert_array_equal(z, -X)


def test_sequences_and_strings(ort):
    session = ort.InferenceSession(fronting.sequences())
    items = [np.ones((1, 2), np.float32), np.zeros((3, 2), np.float32)]
    text = np.array([[["ä", "", "c"]]])
    s, u, t = session.run(None, {"s": items, "u": np.float32([1, 2]), "t": text})
    assert len(s) == 2
    for found, wanted in zip(s, items, strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(u, [1, 2])
    assert t.dtype == object
    assert t.tolist() == text.tolist()
    assert session.run(["s_out"], {"s": [], "u": np.float32([1]), "t": text}) == [[]]


def test_maps(ort):
    label, maps = ort.InferenceSession(fronting.classifier()).run(None, {"x": np.float32([[3, 0], [0, 3]])})
    assert label.tolist() == [10, 20]
    assert [list(one) for one in maps] == [[10, 20, 30]] * 2
    assert all(isinstance(value, float) for one in maps for value in one.values())
    assert sum(maps[0].values()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("feeds", "there"), [({}, False), ({"o": None}, False), ({"o": np.ones(2, np.float32)}, True)])
def test_optional_inputs(ort, feeds, there):
    (y,) = ort.InferenceSession(fronting.optional()).run(None, feeds)
    assert y.item() is there


def test_initializers_that_are_inputs(ort):
    session = ort.InferenceSession(fronting.overridable())
    assert described(session.get_inputs()) == [("x", "tensor(float)", ["n"])]
    assert described(session.get_overridable_initializers()) == [("w", "tensor(float)", [1])]
    x = np.zeros(2, np.float32)
    assert session.run(None, {"x": x})[0].tolist() == [1, 1]
    assert session.run(None, {"x": x, "w": np.float32([5])})[0].tolist() == [5, 5]
    assert session.run(None, {"w": np.float32([6]), "x": x})[0].tolist() == [6, 6]
    assert session.run(None, {"x": x})[0].tolist() == [1, 1]


def test_initializers_of_old_files_are_constants(ort, errors):
    session = ort.InferenceSession(fronting.overridable(ir_version=3))
    assert session.get_overridable_initializers() == []
    with pytest.raises(errors.InvalidArgument, match="Invalid input name: w"):
        session.run(None, {"x": np.zeros(2, np.float32), "w": np.float32([5])})


@pytest.mark.parametrize("form", [str, pathlib.Path])
def test_from_a_path(ort, tmp_path, form):
    path = tmp_path / "model.onnx"
    path.write_bytes(fronting.product())
    session = ort.InferenceSession(form(path), ort.SessionOptions(), ["CPUExecutionProvider"])
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert session.get_provider_options() == {"CPUExecutionProvider": {}}
    np.testing.assert_array_equal(session.run(["y"], {"x": X})[0], X)


def test_many_threads(ort):
    session = ort.InferenceSession(fronting.product())

    def call(i):
        x = np.full((1 + i % 3, 4), i, np.float32)
        (z,) = session.run(["z"], {"x": x})
        return np.array_equal(z, -x)

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        assert all(pool.map(call, range(500)))


def test_subclasses(ort):
    """As packages make sessions that can be pickled."""

    class Session(ort.InferenceSession):
        def __init__(self, data, **kwargs):
            super().__init__(data, **kwargs)
            self.data = data

    session = Session(fronting.product(), providers=["CPUExecutionProvider"])
    assert session.get_outputs()[0].name == "y"
    assert isinstance(session, ort.InferenceSession)
