"""One model of a repository: which of its versions answer."""

from __future__ import annotations

import os
from collections.abc import Iterator

from engine.errors import MemoryLimitExceeded
from engine.model import Model
from engine.repository import status
from engine.repository.events import Event, Journal
from engine.repository.loader import Loader
from engine.repository.policy import labels_for, labels_path, policy_for, read_labels
from engine.repository.scan import version_numbers
from engine.repository.served import Served, Table
from engine.repository.settings import Settings
from engine.repository.status import VersionStatus
from engine.threads import start_thread


class Entry:
    """Changed under the repository's lock; table, rows and ready may be read by anybody at any time.

    live: the model that is swapped to the newest version (policy "latest"). fixed: versions that answer for themselves.
    """

    def __init__(self, name: str, folder: str, settings: Settings, journal: Journal) -> None:
        self.name, self.folder, self.settings, self.journal = name, folder, settings, journal
        self.policy = policy_for(name, settings.policy)
        self.loader = Loader(name, folder, settings, journal)
        self.live: Served | None = None
        self.fixed: dict[int, Served] = {}
        self.retiring: dict[int, Served] = {}
        self.found: set[int] = set()
        self.labels: dict[str, int] = {}
        self.wanted_labels: dict[str, int] = {}
        self.unloaded = self.gone = False
        self._label_stamp: tuple[int, int, int] | None = None
        self._file_labels: dict[str, int] = {}
        self._unreadable = ""
        self.table = Table()

    # -- what the folder asks for

    def update(self, background: bool) -> None:
        """One look at the folder, and what follows from it."""
        try:
            self.found = set(version_numbers(self.folder))
        except OSError as error:
            return self._say_unreadable(f"{error.filename}: {error.strerror}")
        self.loader.forget(self.found)
        if self.unloaded or self.settings.stopping.is_set():
            return None
        self._read_labels()
        wanted = self.policy.fixed(self.found) | set(self.wanted_labels.values())
        for number in sorted(wanted & self.found - set(self.fixed), reverse=True):
            self._open_fixed(number, background)
        if self.policy.latest:
            self._advance(background)
        self._move_labels()
        self._retire_unwanted(wanted | set(self.labels.values()))
        return None

    def _open_fixed(self, number: int, background: bool) -> None:
        served = self.loader.open(number, False, background)
        if served is not None:
            self.fixed[number] = served
            self._publish()

    def _advance(self, background: bool) -> None:
        """To the newest version that can be loaded; back to an older one only when the live one's folder is gone."""
        live = self.live
        if live is not None and live.model.state != "READY":
            return
        for number in sorted(self.found, reverse=True):
            if live is not None and live.number in self.found and number <= live.number:
                return
            if live is None:
                live = self.loader.open(number, True, background)
                self.live = live
                done = live is not None
            else:
                done = self.loader.swap(live, number)
            if done:
                return self._publish()

    def _retire_unwanted(self, wanted: set[int]) -> None:
        """When no folder is left at all, what answers stays."""
        if not self.found and not self.wanted_labels:
            return
        for number in sorted(set(self.fixed) - wanted):
            if self.live is None and len(self.fixed) == 1:
                return
            self._retire(
                number, self.fixed.pop(number), "no longer wanted" if number in self.found else "its folder is gone"
            )

    # -- labels

    def _read_labels(self) -> None:
        path = labels_path(self.folder)
        try:
            facts = os.stat(path)
            stamp = facts.st_mtime_ns, facts.st_size, facts.st_ino
            if stamp != self._label_stamp:
                self._file_labels, self._label_stamp = read_labels(path), stamp
            self._unreadable = ""
        except FileNotFoundError:
            self._file_labels, self._label_stamp = {}, None
        except (OSError, ValueError) as error:
            self._say_unreadable(str(error))
        self.wanted_labels = {**self._file_labels, **labels_for(self.name, self.settings.labels)}

    def _move_labels(self) -> None:
        """A label moves when the version that it is to point to answers."""
        before = self.labels
        moved = {label: number for label, number in self.wanted_labels.items() if number in self.fixed}
        kept = {label: number for label, number in before.items() if label in self.wanted_labels}
        self.labels = {**kept, **moved}
        if self.labels != before:
            self._publish()
        for label, number in moved.items():
            if before.get(label) != number:
                self.journal.add(Event("labelled", self.name, number, f"label {label!r}"))

    def _say_unreadable(self, reason: str) -> None:
        if reason != self._unreadable:
            self._unreadable = reason
            self.journal.add(Event("unreadable", self.name, 0, reason))

    # -- what answers

    def _publish(self, reason: str = "") -> None:
        default = self.live or (self.fixed[max(self.fixed)] if self.fixed else None)
        self.table = Table(default, dict(self.fixed), dict(self.labels), reason)

    def _retire(self, number: int, served: Served, reason: str) -> None:
        """Calls in flight end; what takes longer than drain_timeout is stopped."""
        self.retiring[number] = served
        self._publish(self.table.reason)

        def drain() -> None:
            served.model.drain(self.settings.drain_timeout)
            served.model.close()
            self.retiring.pop(number, None)
            self.journal.add(Event("retired", self.name, number, reason))

        try:
            start_thread(drain)
        except MemoryLimitExceeded:
            drain()

    def withdraw(self, reason: str) -> list[tuple[int, Served]]:
        """Nothing answers any more; who did is the caller's to drain and close."""
        out = self.all_served()
        self.live, self.fixed, self.labels = None, {}, {}
        self._publish(reason)
        return out

    def retire_all(self, reason: str) -> None:
        for number, served in self.withdraw(reason):
            if number not in self.retiring:
                self._retire(number, served, reason)

    def all_served(self) -> list[tuple[int, Served]]:
        served = [*list(self.fixed.values()), *list(self.retiring.values()), *([self.live] if self.live else [])]
        return [(each.number, each) for each in served]

    def models(self) -> Iterator[Model]:
        """All there are, those being loaded among them."""
        yield from (served.model for _, served in self.all_served())
        opening = self.loader.opening
        if opening is not None:
            yield opening

    @property
    def ready(self) -> bool:
        table = self.table
        return table.default is not None and all(each.model.ready for each in [table.default, *table.fixed.values()])

    # -- what is told

    def reason(self) -> str:
        """Why there is no default."""
        if self.table.reason:
            return self.table.reason
        problems = [(number, self.loader.problem(number)) for number in sorted(self.found, reverse=True)]
        return (
            "; ".join(f"version {number}: {problem}" for number, problem in problems if problem) or "it has no version"
        )

    def rows(self) -> list[VersionStatus]:
        table, found = self.table, set(self.found)
        numbers = found | set(table.numbers()) | set(self.retiring) | set(self.policy.numbers or ())
        return [VersionStatus(self.name, number, *self._status(number, table, found)) for number in sorted(numbers)]

    def _status(self, number: int, table: Table, found: set[int]) -> tuple[str, str]:
        problem = self.loader.problem(number)
        served = table.find(number)
        if served is not None:
            if served.model.ready:
                return status.READY, "" if number in found else "its folder is gone"
            return status.UNAVAILABLE, f"the model is {served.model.state}"
        if number == self.loader.loading:
            return status.LOADING, ""
        if number in self.retiring:
            return status.UNLOADING, "calls in flight end"
        if number not in found:
            return status.UNAVAILABLE, "there is no such folder"
        if problem or table.default is None:
            return status.UNAVAILABLE, problem or self.table.reason
        if self.policy.latest:
            return status.UNAVAILABLE, f"version {table.default.number} is served"
        return status.UNAVAILABLE, "the policy does not want it"
