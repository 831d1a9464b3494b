"""Tries versions of one model: looks whether they are whole, loads them, remembers what went wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from engine.errors import Draining, InvalidInput, InvalidManifest, NotReady
from engine.model import Model
from engine.repository.attempts import Attempts
from engine.repository.events import Event, Journal
from engine.repository.scan import Look, look, stamp_of, wrong_manifest
from engine.repository.served import Served
from engine.repository.settings import Settings
from engine.source import Resolved

LARGEST = (1 << 31) - 1

Approve = Callable[[Resolved], None]


class Loader:
    """Not thread-safe; what it tells (loading, problem) may be read from any thread."""

    def __init__(self, name: str, folder: str, settings: Settings, journal: Journal) -> None:
        self.name, self.folder, self.settings, self.journal = name, folder, settings, journal
        self.loading = 0
        self.opening: Model | None = None
        self._attempts: dict[int, Attempts] = {}
        self._waiting: dict[int, str] = {}

    def open(self, number: int, swapped: bool, background: bool) -> Served | None:
        """The version as a model of its own; None when it is not whole, may not be tried now, or fails.

        background: on a thread of low priority, as a reload is.
        """
        served = Served(Model(self.name, dict(self.settings.options)), swapped)
        checks = self.settings.checks.get(self.name)

        def load(source: str, approve: Approve) -> None:
            self.opening = served.model
            try:
                served.model._take(source, None, background=background, checks=checks, approve=approve, number=number)
            except BaseException:
                served.model.close()
                raise
            finally:
                self.opening = None

        return served if self._try(number, load, lambda: served.model.digest) else None

    def swap(self, served: Served, number: int) -> bool:
        """Reloads to the version."""
        settings = self.settings

        def load(source: str, approve: Approve) -> None:
            served.model._told(
                "reload",
                lambda: served.model._take(
                    source,
                    None,
                    background=True,
                    checks=settings.checks.get(self.name),
                    allow_signature_change=settings.allow_signature_change,
                    approve=approve,
                    number=number,
                ),
            )

        return self._try(number, load, lambda: served.model.digest)

    def problem(self, number: int) -> str:
        """Why it was not loaded, as far as is known; else ""."""
        attempts = self._attempts.get(number)
        if attempts is not None and attempts.error is not None:
            return f"{type(attempts.error).__name__}: {attempts.error}"
        return self._waiting.get(number, "")

    def error(self, number: int) -> BaseException | None:
        attempts = self._attempts.get(number)
        return attempts.error if attempts is not None else None

    def settled_by(self) -> float | None:
        """When the first of those that wait to be settled will be, if nothing changes."""
        times = [self._attempts[number].settled_by() for number in self._waiting if number in self._attempts]
        coming = [at for at in times if at > time.monotonic()]
        return min(coming, default=None)

    def forget(self, found: set[int]) -> None:
        """Those that are there no more."""
        for number in set(self._attempts) - found:
            del self._attempts[number]
        for number in set(self._waiting) - found:
            del self._waiting[number]

    def forget_failures(self) -> None:
        for attempts in list(self._attempts.values()):
            attempts.forget_failures()

    def _try(self, number: int, load: Callable[[str, Approve], None], digest: Callable[[], str]) -> bool:
        attempts = self._attempts.setdefault(number, Attempts(self.settings.settle))
        seen = self._whole(number, attempts)
        if seen is None:
            return False
        began = time.monotonic()
        self.loading = number
        try:
            if seen.wrong:
                raise InvalidManifest(seen.wrong)
            if number > LARGEST:
                raise InvalidInput(f"versions have numbers up to {LARGEST}")
            load(seen.source, self._approval(number, seen))
        except Exception as error:  # noqa: BLE001 - whatever it is, what answers now goes on, and the event tells
            self._failed(number, attempts, error, time.monotonic() - began)
            return False
        finally:
            self.loading = 0
        attempts.forget_failures()
        self.journal.add(Event("loaded", self.name, number, digest=digest(), seconds=time.monotonic() - began))
        return True

    def _whole(self, number: int, attempts: Attempts) -> Look | None:
        """None unless it is whole and may be tried now."""
        settings = self.settings
        folder = os.path.join(self.folder, str(number))
        try:
            stamp = stamp_of(folder)
        except OSError as error:
            self._wait(number, f"{error.filename}: {error.strerror}")
            return None
        now = time.monotonic()
        attempts.see(stamp, now)
        if not attempts.may_try(now):
            return None
        wanted = {"manifest_wanted": settings.manifest_wanted, "signature_wanted": settings.signature_wanted}
        seen = look(folder, stamp, self.name, number, **wanted)
        missing = attempts.what_is_missing(seen, now)
        if missing:
            self._wait(number, missing)
            return None
        self._waiting.pop(number, None)
        return seen

    def _wait(self, number: int, reason: str) -> None:
        first = number not in self._waiting
        self._waiting[number] = f"not whole: {reason}"
        if first:
            self.journal.add(Event("waiting", self.name, number, self._waiting[number]))

    def _failed(self, number: int, attempts: Attempts, error: Exception, seconds: float) -> None:
        if self.settings.stopping.is_set():
            return
        wait = attempts.failed(error, time.monotonic())
        again = "when its files change" if wait is None else f"in {wait:g} s"
        reason = f"{type(error).__name__}: {error}; tried again {again}"
        self.journal.add(Event("failed", self.name, number, reason, seconds=seconds, error=error))

    def _approval(self, number: int, seen: Look) -> Approve:
        """The last look before a version that was loaded answers."""

        def approve(resolved: Resolved) -> None:
            if self.settings.stopping.is_set():
                raise Draining("the repository is closing")
            if resolved.manifest is not None:
                wrong = wrong_manifest(resolved.manifest, self.name, number)
                if wrong:
                    raise InvalidManifest(wrong)
            elif stamp_of(os.path.join(self.folder, str(number))) != seen.stamp:
                raise NotReady("its files were changed while it was loaded")

        return approve
