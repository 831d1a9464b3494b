"""What a repository did: events, each logged once."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

KEPT = 1000

logger = logging.getLogger("engine.repository")

_LEVELS = {
    "loaded": logging.INFO,
    "failed": logging.WARNING,
    "waiting": logging.INFO,
    "retired": logging.INFO,
    "unloaded": logging.INFO,
    "labelled": logging.INFO,
    "unreadable": logging.WARNING,
}


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    kind: "loaded" (a version answers now), "failed" (it could not be loaded; what answered before still does), "waiting" (it is not
    whole yet), "retired" (it answers no more), "unloaded" (the model was unloaded on request), "labelled" (a label moved),
    "unreadable" (a folder or labels.json cannot be read; what is loaded stays).
    name: "" when it is about the repository's folder. version: the folder's number; 0: of the whole model. seconds: what it took. time: time.time() then.
    """

    kind: str
    name: str
    version: int
    reason: str = ""
    digest: str = ""
    seconds: float = 0.0
    error: BaseException | None = None
    time: float = field(default_factory=time.time)

    def __str__(self) -> str:
        version = f" version {self.version}" if self.version else ""
        took = f" in {self.seconds:.3f} s" if self.seconds else ""
        model = f"model {self.name!r}{version}: " if self.name else ""
        return f"{model}{self.kind}{took}" + (f": {self.reason}" if self.reason else "")


class Journal:
    """The latest events; every one goes to the log and to a callback too."""

    def __init__(self, on_event: Callable[[Event], object] | None) -> None:
        self._on_event = on_event
        self._events: deque[Event] = deque(maxlen=KEPT)

    def add(self, event: Event) -> None:
        self._events.append(event)
        fields = {"event": event.kind, "model": event.name, "version": event.version, "reason": event.reason}
        fields.update(digest=event.digest, seconds=event.seconds)
        logger.log(_LEVELS[event.kind], "%s", event, extra=fields)
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            logger.exception("the repository's on_event raised")

    def events(self) -> list[Event]:
        while True:
            try:
                return list(self._events)
            except RuntimeError:  # one was added meanwhile
                continue
