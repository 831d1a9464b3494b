"""run_async: the answer, or what went wrong, goes to a callback."""

import threading

import fronting
import numpy as np
import pytest

X = np.ones((2, 4), np.float32)


class Call:
    """A call of run_async, waited for."""

    def __init__(self, session, names, feeds, **options):
        self.done = threading.Event()
        session.run_async(names, feeds, self.take, "mine", **options)
        assert self.done.wait(60)

    def take(self, results, user_data, error):
        self.results, self.user_data, self.error = results, user_data, error
        self.thread = threading.get_ident()
        self.done.set()


def test_answers(ort):
    session = ort.InferenceSession(fronting.product())
    call = Call(session, ["z", "y"], {"x": X})
    assert (call.user_data, call.error) == ("mine", "")
    assert all(Call(session, None, {"x": X}).thread != threading.get_ident() for _ in range(100))
    np.testing.assert_array_equal(call.results[0], -X)
    np.testing.assert_array_equal(call.results[1], X)
    assert len(Call(session, None, {"x": X}).results) == 2


@pytest.mark.parametrize(
    ("names", "x", "error"),
    [
        (None, X.astype(float), "Unexpected input data type. Actual: (tensor(double)) , expected: (tensor(float))"),
        (None, X[0], "Invalid rank for input: x Got: 1 Expected: 2 Please fix either the inputs/outputs or the model."),
        (["q"], X, "Invalid output name"),
    ],
)
def test_errors(ort, names, x, error):
    call = Call(ort.InferenceSession(fronting.product()), names, {"x": x})
    assert call.results == []
    assert call.error.startswith(error)


def test_missing_inputs(ort):
    with pytest.raises(ValueError, match="Required inputs"):
        ort.InferenceSession(fronting.product()).run_async(None, {}, print, None)
