"""All cases, and the rows of the operator table that need none."""

import cases_of_elementwise  # noqa: F401
import cases_of_movement  # noqa: F401
import cases_of_others  # noqa: F401
import cases_of_products  # noqa: F401
import cases_of_reductions  # noqa: F401
from checkpoint_cases import CASES, encode
from engine import _testing

NO_WORK = {
    ("", "Constant"): "its value is there when the model is loaded",
    ("", "Shape"): "a few integers",
    ("", "Size"): "one integer",
}


def watched(case):
    model_bytes, inputs = case.make()
    model = _testing.WatchedModel(model_bytes, allow_random=True)
    model.feed([encode(x) for x in inputs])
    return model


__all__ = ["CASES", "NO_WORK", "watched"]
