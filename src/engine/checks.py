"""What a new version must pass before it becomes current."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import CheckFailed

if TYPE_CHECKING:
    from engine.model import Model

Check = Sequence[tuple[dict[str, Any], dict[str, Any]]] | Callable[["Model"], Any]

RELATIVE_TOLERANCE = 1e-3
ABSOLUTE_TOLERANCE = 1e-5


def run_checks(model: Model, checks: Check) -> None:
    """Raises CheckFailed when one fails; what a callable raises goes through.

    Pairs: floats agree within 1e-3 relative or 1e-5 absolute, everything else exactly.
    """
    if callable(checks):
        if checks(model) is False:
            raise CheckFailed("the new version's check returned False")
        return
    for number, (feeds, expected) in enumerate(checks):
        answer = model.run(feeds)
        for name, wanted in expected.items():
            if name not in answer:
                raise CheckFailed(f"check {number}: the new version has no output {name!r}")
            problem = difference(wanted, answer[name])
            if problem:
                raise CheckFailed(f"check {number}: output {name!r} {problem}")


def difference(wanted: Any, got: Any) -> str:
    """ "" when they agree, else what is wrong."""
    if not isinstance(got, np.ndarray):
        return "" if got == wanted else "is not what was expected"
    expected = np.asarray(wanted)
    if expected.shape != got.shape:
        return f"has shape {got.shape}; {expected.shape} was expected"
    if got.dtype.kind not in "fc":
        return "" if np.array_equal(expected, got) else "is not what was expected"
    close = np.isclose(got, expected, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE, equal_nan=True)
    return "" if close.all() else f"is off in {int((~close).sum())} of {close.size} elements"
