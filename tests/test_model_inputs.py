"""What a file says of itself; inputs with defaults; sizes for dimensions that it leaves open."""

import engine
import fronting
import numpy as np
import pytest

X = np.zeros(2, np.float32)


def test_facts():
    assert engine.load(fronting.product()).facts == {
        "producer": "tests",
        "producer_version": "1",
        "domain": "org.example",
        "description": "of the model",
        "graph": "little",
        "graph_description": "of the graph",
        "version": 7,
        "ir_version": 9,
    }


def test_defaults_are_constants():
    model = engine.load(fronting.overridable())
    assert model.input_names == ("x",)
    assert model.default_inputs == (engine.TensorInfo("w", "float32", (1,)),)
    assert model.run({"x": X})["y"].tolist() == [1, 1]
    with pytest.raises(engine.InvalidInput, match="unknown: 'w'"):
        model.run({"x": X, "w": np.float32([5])})


def test_defaults_as_inputs():
    model = engine.load(fronting.overridable(), as_inputs=["w"])
    assert model.input_names == ("x", "w")
    assert model.run({"x": X, "w": np.float32([5])})["y"].tolist() == [5, 5]
    with pytest.raises(engine.InvalidInput, match="missing: 'w'"):
        model.run({"x": X})
    with pytest.raises(engine.InvalidInput, match="'w' has shape"):
        model.run({"x": X, "w": X})


@pytest.mark.parametrize(("data", "name"), [(fronting.overridable(), "x"), (fronting.overridable(ir_version=3), "w"), (fronting.product(), "w")])
def test_inputs_that_have_no_default(data, name):
    with pytest.raises(engine.InvalidInput, match=f"as_inputs: the model has no initializer .{name}. that is an input too"):
        engine.load(data, as_inputs=[name])


def test_sizes_of_dimensions():
    model = engine.load(fronting.product(), dims={"N": 3})
    assert model.inputs[0].shape == (3, 4)
    assert [info.shape for info in model.outputs] == [(3, 4), (3, 4)]
    assert model.run({"x": np.ones((3, 4), np.float32)})["z"].shape == (3, 4)
    with pytest.raises(engine.InvalidInput, match=r"shape \(2, 4\)"):
        model.run({"x": np.ones((2, 4), np.float32)})


@pytest.mark.parametrize(("dims", "text"), [({"M": 3}, "dims: no input has a dimension .M."), ({"N": -1}, "dims: .N. is given size -1")])
def test_sizes_that_do_not_fit(dims, text):
    with pytest.raises(engine.InvalidInput, match=text):
        engine.load(fronting.product(), dims=dims)


def test_pickled_with_their_options(tmp_path):
    import pickle

    path = tmp_path / "model.onnx"
    path.write_bytes(fronting.overridable())
    model = pickle.loads(pickle.dumps(engine.load(path, as_inputs=["w"], dims={"n": 2})))
    assert [info.shape for info in model.inputs] == [(2,), (1,)]
