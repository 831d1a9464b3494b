"""What a repository was made with."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.checks import Check
from engine.repository.policy import Labels, Policies


@dataclass
class Settings:
    """options: as models are made with them. stopping: set when the repository drains or closes: nothing is loaded any more."""

    policy: Policies
    labels: Labels | Mapping[str, Labels]
    checks: Mapping[str, Check]
    options: Mapping[str, Any]
    require_manifest: bool
    allow_signature_change: bool
    settle: float
    drain_timeout: float
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def signature_wanted(self) -> bool:
        return self.options["trusted_keys"] is not None

    @property
    def manifest_wanted(self) -> bool:
        return self.require_manifest or self.signature_wanted
