"""The watcher of a folder of models."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from engine.drain import DrainReport
from engine.errors import NotReady, UnknownModel
from engine.repository.entry import Entry
from engine.repository.events import Event, Journal, logger
from engine.repository.handle import ModelHandle, handle_for
from engine.repository.scan import model_names, version_numbers
from engine.repository.settings import Settings
from engine.repository.status import READY, VersionStatus

_repositories: weakref.WeakSet[Repository] = weakref.WeakSet()


class Repository:
    """Models that follow a folder. Made by engine.watch; safe to use from any thread; its own context manager.

    Calls: model. What there is: models, index, ready, events. Changes: refresh, load, unload. Its end: drain, close.
    """

    def __init__(self, folder: str, settings: Settings, poll: float | None, journal: Journal) -> None:
        self.folder = folder
        self.poll = poll
        self._settings = settings
        self._journal = journal
        self._entries: dict[str, Entry] = {}
        self._required: frozenset[str] | None = None
        self._unreadable = ""
        self._thread: threading.Thread | None = None
        self._make_locks()
        _repositories.add(self)

    def _make_locks(self) -> None:
        self._lock = threading.RLock()  # of whoever changes entries
        stopped = self._settings.stopping.is_set()
        self._settings.stopping = threading.Event()
        if stopped:
            self._settings.stopping.set()

    # -- calls

    def model(self, name: str, version: int | str | None = None, label: str | None = None) -> ModelHandle:
        """The handle that calls use. Without version and label: of the version that is live when a call begins.

        UnknownModel when there is no such model, version or label now. A model of which no version answers yet has a handle.
        """
        entry = self._entries.get(name)
        if entry is None or entry.gone:
            raise UnknownModel(f"there is no model {name[:200]!r}; there are: {', '.join(self.names()) or 'none'}")
        return handle_for(entry, version, label)

    # -- what there is

    def names(self) -> list[str]:
        return sorted(name for name, entry in list(self._entries.items()) if not entry.gone)

    def index(self) -> list[VersionStatus]:
        """Every version that is there or should be: (name, version, state, reason)."""
        return [row for name in self.names() for row in self._entries[name].rows()]

    def models(self) -> list[VersionStatus]:
        """Those of index() that answer calls."""
        return [row for row in self.index() if row.state == READY]

    @property
    def ready(self) -> bool:
        """Whether every model that was there at the start answers calls (those unloaded on request apart).

        A model that comes later and cannot be loaded is no reason to be not ready.
        """
        return not self._what_is_not_ready()

    def _what_is_not_ready(self) -> str:
        if self._settings.stopping.is_set():
            return "the repository takes no new calls"
        if self._required is None:
            return "the first look at the folder is under way"
        for name in sorted(self._required):
            entry = self._entries[name]
            if not entry.ready and not entry.unloaded and not entry.gone:
                return f"model {name!r} is not ready: {entry.reason()}"
        return ""

    def wait_ready(self, timeout: float | None = None) -> None:
        """Block until ready. NotReady, with the reason, when that takes longer than `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while reason := self._what_is_not_ready():
            if end is not None and time.monotonic() >= end:
                raise NotReady(reason)
            time.sleep(0.005)

    def events(self) -> list[Event]:
        """What was done, the latest 1000, the oldest first."""
        return self._journal.events()

    # -- changes

    def refresh(self) -> None:
        """Look at the folder now, and load and retire what that asks for; returns when it is done."""
        self._look(background=self._required is not None)

    def load(self, name: str) -> int:
        """Serve a model again that was unloaded, or try at once what has failed; returns the version that answers then.

        Raises UnknownModel; what loading raised when no version answers; NotReady when none is whole.
        """
        with self._lock:
            self._check_open()
            self._list()
            entry = self._entry(name)
            entry.unloaded = False
            entry.loader.forget_failures()
            self._settle([entry])
            if entry.table.default is None:
                error = next(filter(None, map(entry.loader.error, sorted(entry.found, reverse=True))), None)
                raise error or NotReady(f"model {name!r} is not served: {entry.reason()}")
            return entry.table.default.number

    def unload(self, name: str, timeout: float | None = 30.0) -> DrainReport:
        """Take a model out of service until load(name): refuse new calls, let those in flight end, free it. UnknownModel."""
        with self._lock:
            entry = self._entry(name)
            entry.unloaded = True
            out = entry.withdraw("it was unloaded")
        report = _drain({number: served.model for number, served in out}, timeout)
        for number, served in out:
            served.model.close()
            self._journal.add(Event("unloaded", name, number))
        return _sum(list(report.values()))

    def _entry(self, name: str) -> Entry:
        entry = self._entries.get(name)
        if entry is None or entry.gone:
            raise UnknownModel(f"there is no model {name[:200]!r}")
        return entry

    def _check_open(self) -> None:
        if self._settings.stopping.is_set():
            raise NotReady("the repository is closed, or drains")

    # -- looking

    def _begin(self, background: bool) -> None:
        if not background:
            self._first_look()
        if background or self.poll is not None:
            self._start_thread()

    def _first_look(self) -> None:
        with self._lock:
            self._list()
            self._settle(list(self._entries.values()))
            self._required = frozenset(self._entries)

    def _settle(self, entries: list[Entry]) -> None:
        """Updates them; once more those that were only waiting for the time in which nothing is written."""
        for _ in range(3):
            for entry in entries:
                entry.update(background=self._required is not None)
            coming = [at for entry in entries if entry.table.default is None and (at := entry.loader.settled_by())]
            if not coming or self._settings.stopping.wait(max(0.0, max(coming) - time.monotonic())):
                return

    def _look(self, background: bool) -> None:
        with self._lock:
            if self._settings.stopping.is_set():
                return
            if not self._list():
                return
            for entry in list(self._entries.values()):
                if not entry.gone:
                    entry.update(background)

    def _list(self) -> bool:
        """Models that came and went. False when the folder cannot be read: all stays as it is."""
        try:
            names = model_names(self.folder)
        except OSError as error:
            if not self._unreadable:
                self._unreadable = str(error)
                self._journal.add(Event("unreadable", "", 0, f"{self.folder}: {error.strerror}"))
            return False
        self._unreadable = ""
        for name in names:
            self._came(name)
        for name in set(self._entries) - set(names):
            self._went(self._entries[name])
        return True

    def _came(self, name: str) -> None:
        """A folder without any version is no model, unless it was one."""
        entry = self._entries.get(name)
        if entry is not None:
            entry.gone = False
            return
        folder = os.path.join(self.folder, name)
        try:
            if version_numbers(folder):
                self._entries[name] = Entry(name, folder, self._settings, self._journal)
        except OSError:
            return

    def _went(self, entry: Entry) -> None:
        if not entry.gone:
            entry.gone = True
            entry.retire_all("its folder is gone")

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=_watch, args=(weakref.ref(self),), name="engine-watch", daemon=True)
        self._thread.start()

    # -- the end

    def drain(self, timeout: float | None = 30.0) -> dict[str, DrainReport]:
        """Watch no longer, refuse new calls with Draining, wait for those in flight, then stop what is left.

        timeout: seconds for all models together; None: for ever. Returns a report for each "name/version".
        """
        self._settings.stopping.set()
        models = {}
        for name, entry in list(self._entries.items()):
            models.update({f"{name}/{number}": served.model for number, served in entry.all_served()})
            if entry.loader.opening is not None:
                models[f"{name}/{entry.loader.loading}"] = entry.loader.opening
        return _drain(models, timeout)

    def close(self) -> None:
        """Watch no longer, stop all calls and give all memory back; handles raise NotReady."""
        self._settings.stopping.set()
        for entry in list(self._entries.values()):
            for model in list(entry.models()):
                model.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        with self._lock:
            for entry in self._entries.values():
                for _, served in entry.withdraw("the repository is closed"):
                    served.model.close()

    def __enter__(self) -> Repository:  # noqa: PYI034 - nobody derives from it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<engine.Repository {self.folder!r}: {len(self.models())} of {len(self.index())} versions answer>"

    def _after_fork(self) -> None:
        """In a forked child: the watching thread is not there any more, nor what it was loading."""
        self._make_locks()
        for entry in self._entries.values():
            entry.loader.loading, entry.loader.opening = 0, None
        if self._thread is not None and not self._settings.stopping.is_set():
            self._start_thread()


def _watch(reference: weakref.ref[Repository]) -> None:
    """Until the repository is closed, or nobody holds it any more."""
    while True:
        repository = reference()
        if repository is None or repository._settings.stopping.is_set():
            return
        try:
            if repository._required is None:
                repository._first_look()
            else:
                repository.refresh()
        except Exception:  # noqa: BLE001 - the next look may do better
            logger.exception("looking at %s failed", repository.folder)
        poll, stopping = repository.poll, repository._settings.stopping
        del repository
        if poll is None or stopping.wait(poll):
            return


def _drain(models: Mapping[Any, Any], timeout: float | None) -> dict[Any, DrainReport]:
    """All at once."""
    end = None if timeout is None else time.monotonic() + timeout
    begun = {key: model._start_drain() for key, model in models.items()}
    return {key: finish(None if end is None else max(0.0, end - time.monotonic())) for key, finish in begun.items()}


def _sum(reports: list[DrainReport]) -> DrainReport:
    return DrainReport(
        sum(report.finished for report in reports),
        sum(report.cancelled for report in reports),
        sum(report.refused for report in reports),
        sum(report.seconds for report in reports),
    )


def _restart_after_fork() -> None:
    for repository in list(_repositories):
        repository._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_after_fork)
