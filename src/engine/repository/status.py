"""What a repository tells of a version."""

from __future__ import annotations

from typing import NamedTuple

READY = "READY"
LOADING = "LOADING"
UNLOADING = "UNLOADING"
UNAVAILABLE = "UNAVAILABLE"


class VersionStatus(NamedTuple):
    """state: "READY", "LOADING", "UNLOADING" or "UNAVAILABLE". reason: why it is not ready, or what is odd; else ""."""

    name: str
    version: int
    state: str
    reason: str
