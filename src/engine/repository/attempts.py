"""When a version may be tried: once it is whole; after a failure when its files changed, or after a while."""

from __future__ import annotations

from engine.errors import (
    DigestMismatch,
    InvalidInput,
    InvalidManifest,
    InvalidModel,
    MissingDependency,
    SignatureError,
    UnsupportedOperator,
)
from engine.repository.scan import Look, Stamp

# The same files fail in the same way.
LASTING = (
    DigestMismatch,
    InvalidInput,
    InvalidManifest,
    InvalidModel,
    MissingDependency,
    SignatureError,
    UnsupportedOperator,
)
LONGEST = 300.0


class Attempts:
    """Of one version. settle: seconds for which a version without a manifest must have been seen unchanged.

    Times are those of time.monotonic().
    """

    def __init__(self, settle: float) -> None:
        self.settle = settle
        self.error: BaseException | None = None
        self._stamp: Stamp | None = None
        self._since = 0.0
        self._failures = 0
        self._next = 0.0

    def see(self, stamp: Stamp, now: float) -> None:
        if stamp != self._stamp:
            self._stamp, self._since = stamp, now
            self.forget_failures()

    def what_is_missing(self, look: Look, now: float) -> str:
        """Why it is not whole, after see(); "" when it is."""
        if look.missing or look.by_manifest:
            return look.missing
        if not self.settled(now):
            return f"it has no manifest, and was written to in the last {self.settle:g} s as far as is known"
        return ""

    def settled(self, now: float) -> bool:
        return self._stamp is not None and now - self._since >= self.settle

    def may_try(self, now: float) -> bool:
        return self.error is None or now >= self._next

    def failed(self, error: BaseException, now: float) -> float | None:
        """Returns the seconds until the next try; None: only when the files change."""
        self.error = error
        self._failures += 1
        wait = min(LONGEST, max(1.0, self.settle) * 2 ** (self._failures - 1))
        self._next = float("inf") if isinstance(error, LASTING) else now + wait
        return None if isinstance(error, LASTING) else wait

    def forget_failures(self) -> None:
        self.error, self._failures, self._next = None, 0, 0.0

    def settled_by(self) -> float:
        """When it will be settled if nothing changes."""
        return self._since + self.settle
