"""What a drain did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DrainReport:
    """What became of the calls that a drain found.

    finished: calls in flight or queued that ended by themselves. cancelled: those that were stopped when the time was over.
    refused: calls that came during the drain. seconds: what the drain took.
    """

    finished: int
    cancelled: int
    refused: int
    seconds: float
