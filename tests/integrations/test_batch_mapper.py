"""engine.integrations.BatchMapper: from tables to tables, in batches, patient, exact about what fails."""

import logging
import pickle

import engine
import numpy as np
import pytest
from engine.integrations import BatchMapper
from harness import one_node
from jobs import MODEL, choosing, rows


def test_right():
    images = rows(101)
    mapper = BatchMapper(MODEL, batch=8)
    found = mapper({"image": images, "id": np.arange(101)})
    assert list(found) == ["image", "id", "scores"]
    single = np.concatenate([mapper.model(image[np.newaxis]) for image in images])
    np.testing.assert_allclose(found["scores"], single, rtol=1e-5, atol=1e-5)


def test_columns():
    images = rows(10)
    mapper = BatchMapper(MODEL, inputs={"image": "picture"}, outputs={"scores": "says"}, keep=["id"])
    found = mapper({"picture": images, "id": np.arange(10), "other": np.zeros(10)})
    assert list(found) == ["id", "says"]
    assert list(BatchMapper(MODEL, outputs=["scores"])({"image": images})) == ["image", "scores"]
    with pytest.raises(engine.InvalidInput, match="no column 'picture'; there are id"):
        mapper({"id": np.arange(10)})
    for inputs, what in [({"x": "x"}, "wants a column for input 'image'"), ({"image": "image", "x": "x"}, "has no input 'x'")]:
        with pytest.raises(engine.InvalidInput, match=what):
            BatchMapper(MODEL, inputs=inputs)
    with pytest.raises(engine.InvalidInput, match="no output 'y'"):
        BatchMapper(MODEL, outputs={"y": "z"})


def test_columns_of_lists():
    images = rows(10)
    listed = np.empty(10, object)
    listed[:] = [[row.tolist() for row in image] for image in images]
    wanted = BatchMapper(MODEL)({"image": images})["scores"]
    np.testing.assert_array_equal(BatchMapper(MODEL)({"image": listed})["scores"], wanted)
    np.testing.assert_array_equal(BatchMapper(MODEL)({"image": images.astype(np.uint8)})["scores"], wanted)
    listed[3] = [[1.0]]
    with pytest.raises(engine.InvalidInput, match="do not make one array"):
        BatchMapper(MODEL)({"image": listed})


def test_frames():
    pandas = pytest.importorskip("pandas")
    images = rows(10)
    frame = pandas.DataFrame({"image": list(images), "id": range(10)}, index=range(100, 110))
    found = BatchMapper(MODEL, keep=["id"])(frame)
    assert list(found.columns) == ["id", "scores"]
    assert list(found.index) == list(range(100, 110))
    np.testing.assert_array_equal(np.stack(found["scores"]), BatchMapper(MODEL)({"image": images})["scores"])
    numbers = pandas.DataFrame({"x1": [1, 2, 99]})
    found = BatchMapper(choosing(), errors="error")(numbers)
    assert found["error"].tolist()[:2] == ["", ""]
    assert found["error"][2].startswith("InvalidInput")


def test_no_rows():
    found = BatchMapper(MODEL, errors="error")({"image": np.zeros((0, 8, 8)), "id": np.zeros(0, int)})
    assert (found["scores"].shape, found["scores"].dtype, found["error"].shape) == ((0, 10), np.float32, (0,))
    x = np.ones((4, 2), np.float32)
    fixed = engine.load(one_node("Neg", [x], dynamic=False))
    assert BatchMapper(fixed)({"x0": np.zeros(0)})["y0"].shape == (0, 2)


def test_errors_name_rows():
    indices = {"x1": np.array([1, 2, 3, 4, 99, 5]), "key": np.array(list("abcdef"))}
    with pytest.raises(engine.InvalidInput, match=r"^rows 3 to 5: "):
        BatchMapper(choosing(), batch=3)(indices)
    with pytest.raises(engine.InvalidInput, match=r"^key d to f: "):
        BatchMapper(choosing(), batch=3, row_id="key")(indices)
    with pytest.raises(engine.InvalidInput, match=r"^row 4: "):
        BatchMapper(choosing(), batch=1)(indices)
    with pytest.raises(engine.DeadlineExceeded, match=r"^rows 0 to 2: ") as caught:
        BatchMapper(choosing(), batch=3, timeout=0)(indices)
    assert caught.value.version == 1


def test_errors_in_a_column():
    found = BatchMapper(choosing(), batch=4, errors="error")({"x1": np.array([1, 99, 3, -70, 5])})
    assert [text.partition(":")[0] for text in found["error"]] == ["", "InvalidInput", "", "InvalidInput", ""]
    np.testing.assert_array_equal(found["y0"][[0, 2, 4]], [[2, 3], [6, 7], [10, 11]])
    assert np.isnan(found["y0"][[1, 3]]).all()
    late = BatchMapper(choosing(), timeout=0, errors="error")({"x1": np.arange(3)})
    assert late["y0"].shape == (3, 2)
    assert all(text.startswith("DeadlineExceeded") for text in late["error"])


class Busy:
    """A model that refuses so many calls."""

    def __init__(self, model, refusals):
        self._model, self.refusals, self.calls = model, refusals, 0

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, feeds, **options):
        self.calls += 1
        if self.calls <= self.refusals:
            error = engine.Overloaded("busy")
            error.retry_after = 0.01
            raise error
        return self._model.run(feeds, **options)


def test_patience():
    from engine.rows import BatchCaller

    model = Busy(choosing(), refusals=3)
    assert BatchCaller(model).call({"x1": np.arange(4)}, 4)["y0"].shape == (4, 2)
    assert model.calls == 4
    with pytest.raises(engine.Overloaded, match="rows 0 to 3: busy"):
        list(BatchCaller(Busy(choosing(), 10**6), patience=0.05).in_batches({"x1": np.arange(4)}, 4))


def test_it_travels_as_the_model_does():
    mapper = BatchMapper(MODEL, threads=1, batch=4, outputs={"scores": "y"}, timeout=20)
    again = pickle.loads(pickle.dumps(mapper))
    assert again.model is mapper.model
    images = rows(9)
    np.testing.assert_array_equal(again({"image": images})["y"], mapper({"image": images})["y"])


def test_it_tells(caplog):
    with caplog.at_level(logging.DEBUG, "engine"):
        BatchMapper(choosing(), errors="error")({"x1": np.array([1, 99])})
    record = next(record for record in caplog.records if getattr(record, "event", "") == "rows_mapped")
    assert (record.rows, record.failed) == (2, 1)


def test_what_is_no_table():
    with pytest.raises(engine.InvalidInput, match="not list: batch_format="):
        BatchMapper(MODEL)([1, 2])
    with pytest.raises(TypeError, match="'threads' is an option of loading"):
        BatchMapper(choosing(), threads=1)


def test_without_ray():
    pytest.importorskip("engine.integrations.ray")
    try:
        import ray  # noqa: F401
    except ImportError:
        from engine.integrations.ray import BatchMapper as OfRay
        from engine.integrations.ray import deployment

        for use in (lambda: OfRay(MODEL), deployment):
            with pytest.raises(engine.MissingDependency, match=r"engine\[ray\]"):
                use()
