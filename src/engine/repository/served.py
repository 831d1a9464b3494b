"""The models of one name that answer, as handles see them: replaced whole, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import EngineError
from engine.model import Model


class Served:
    """An engine.Model in service, whose versions have the repository's numbers.

    swapped: whether it is reloaded when a newer version comes; otherwise it has one version for ever.
    """

    def __init__(self, model: Model, swapped: bool) -> None:
        self.model = model
        self.swapped = swapped

    @property
    def number(self) -> int:
        """Of the version that answers now; 0 when none does."""
        try:
            return self.model.version
        except EngineError:
            return 0


@dataclass(frozen=True)
class Table:
    """default: for calls that ask for no version. fixed: those of one version, by number. labels: those that point to one of them.

    reason: why there is no default.
    """

    default: Served | None = None
    fixed: Mapping[int, Served] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""

    def find(self, number: int) -> Served | None:
        """Who answers for a version now."""
        found = self.fixed.get(number)
        if found is None and self.default is not None and self.default.number == number:
            return self.default
        return found

    def numbers(self) -> list[int]:
        """All that answer now."""
        default = {self.default.number} if self.default is not None else set()
        return sorted((default | set(self.fixed)) - {0})
