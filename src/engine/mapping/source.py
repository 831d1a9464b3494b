"""What a job reads from and answers into: one class for each kind of input file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.errors import EngineError
from engine.rows import BatchCaller, Failure


@dataclass
class Care:
    """How the rows of a chunk are called. before: called before each call, with the number of its first row.

    given_up: rows that ended the process that computed them, and how. one_by_one: a call for each row.
    """

    before: Callable[[int], None] | None = None
    one_by_one: bool = False
    given_up: Mapping[int, str] = field(default_factory=dict)


class Source(Protocol):
    """kind: what one of its items is called. total: how many. files: all that is read; they tell this job from another.

    suffix: of a chunk's file, which compute writes, whole or not at all.
    """

    kind: str
    suffix: str
    total: int

    @property
    def files(self) -> Sequence[str]: ...

    def check(self, caller: BatchCaller) -> None:
        """Before anything is computed. Raises InvalidInput when these files are not for this model."""

    def compute(self, caller: BatchCaller, start: int, stop: int, path: str, care: Care) -> int:
        """Computes the items from start to stop and writes their chunk to `path`; returns how many failed."""

    def assemble(self, chunks: Sequence[str], out: str) -> list[dict[str, Any]]:
        """Makes the job's results in folder `out` of all its chunks; returns the failures. May be done again from the start."""


def told(kind: str, failure: Failure, **more: Any) -> dict[str, Any]:
    return {kind: failure.row, **more, "error": type(failure.error).__name__, "message": str(failure.error)}


def lines_of(documents: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents).encode()


class ProcessDied(EngineError):
    """Each process that computed this item ended; the message says how."""


def given_up(care: Care, start: int, stop: int) -> list[Failure]:
    return [Failure(row, ProcessDied(how)) for row, how in sorted(care.given_up.items()) if start <= row < stop]
