"""The models of one name that answer, as handles see them: replaced whole, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model import Model


class Served:
    """An engine.Model in service. numbers: the repository's number of each version that it has had, by the model's own number.

    swapped: whether it is reloaded when a newer version comes; otherwise it has one version for ever.
    """

    def __init__(self, model: Model, swapped: bool) -> None:
        self.model = model
        self.swapped = swapped
        self.numbers: dict[int, int] = {}
        self.number = 0

    def took(self, own_number: int, number: int) -> None:
        self.numbers[own_number] = number
        self.number = number


@dataclass(frozen=True)
class Target:
    """Who answers for a version. number: the repository's. own_number: the model's."""

    served: Served
    number: int
    own_number: int


@dataclass(frozen=True)
class Table:
    """default: for calls that ask for no version. versions: by number. labels: those that point to a version that is served.

    reason: why there is no default.
    """

    default: Target | None = None
    versions: Mapping[int, Target] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
