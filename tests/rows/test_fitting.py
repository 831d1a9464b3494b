"""Values of tables as arrays of an input's element type."""

import engine
import numpy as np
import pytest
from engine.rows.fitting import fitted


class Info:
    name = "x"

    def __init__(self, dtype):
        self.dtype = dtype


def objects(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_rows_of_rows_are_stacked():
    want = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    nested = objects([objects(list(row)) for row in want])
    for values in (want.tolist(), nested, objects(list(want)), objects([row.tolist() for row in want])):
        got = fitted(Info("float32"), values)
        assert got.dtype == np.float32 and np.array_equal(got, want)


def test_rows_of_other_lengths_are_refused():
    ragged = objects([np.zeros(3, np.float32), np.zeros(2, np.float32)])
    with pytest.raises(engine.InvalidInput, match="input 'x': the rows do not make one array"):
        fitted(Info("float32"), ragged)


@pytest.mark.parametrize(("dtype", "values"), [("int8", [300]), ("float16", [1e6]), ("int64", [0.5]), ("float32", ["a"])])
def test_what_does_not_fit_is_refused(dtype, values):
    with pytest.raises(engine.InvalidInput, match="input 'x'"):
        fitted(Info(dtype), np.array(values, object if dtype == "float32" else None))


def test_none_is_nan():
    assert np.isnan(fitted(Info("float32"), np.array([None, 1.0], object))).tolist() == [True, False]
