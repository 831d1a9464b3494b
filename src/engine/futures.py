"""Answers on their way to event loops and futures. Imported when the first is asked for: asyncio is not cheap to import."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from asyncio import CancelledError
from concurrent.futures import Future
from typing import Any

from engine import _core
from engine.errors import MemoryLimitExceeded
from engine.threads import start_thread

__all__ = ["CallFuture", "CancelledError", "delivery_mailbox", "mailbox_of_running_loop"]


class CallFuture(Future[dict[str, Any]]):
    """The future of a call: cancel() stops its compute."""

    pending: _core.Pending | None = None

    def __init__(self) -> None:
        try:
            super().__init__()
        except RuntimeError as error:
            raise MemoryLimitExceeded(f"the system gives no lock: {error}") from error

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if self.pending is not None:
            self.pending.cancel()
        return cancelled


# A closed loop stays as long as a call is under way that it did not wait for: the next loop passes its mailbox on.
_mailboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _core.Mailbox] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_delivery: _core.Mailbox | None = None


def delivery_mailbox() -> _core.Mailbox:
    """The mailbox that a thread of its own empties, for futures that belong to no loop."""
    global _delivery
    with _lock:
        if _delivery is None:
            mailbox = _core.Mailbox(False)
            start_thread(_deliver, mailbox)
            _delivery = mailbox
        return _delivery


def _deliver(mailbox: _core.Mailbox) -> None:
    threading.current_thread().name = "engine-deliver"
    while True:
        mailbox.wait()
        mailbox.deliver()


def mailbox_of_running_loop() -> tuple[asyncio.AbstractEventLoop, _core.Mailbox]:
    loop = asyncio.get_running_loop()
    mailbox = _mailboxes.get(loop)
    if mailbox is None:
        mailbox = _mailbox_for(loop)
        with _lock:
            left = [_mailboxes.pop(known) for known in list(_mailboxes) if known.is_closed()]
            _mailboxes[loop] = mailbox
        for closed in left:
            closed.close(delivery_mailbox())
    return loop, mailbox


def _mailbox_for(loop: asyncio.AbstractEventLoop) -> _core.Mailbox:
    """A mailbox that the loop empties whenever its descriptor is readable; what is left when the loop goes is delivered elsewhere."""
    mailbox = _core.Mailbox(True)
    if mailbox.fileno() >= 0:
        try:
            loop.add_reader(mailbox.fileno(), mailbox.deliver)
        except NotImplementedError:
            return _mailbox_by_thread(loop)
        # Not when the interpreter exits: tasks that nobody waits for would be destroyed on another thread then, and tell of it.
        weakref.finalize(loop, mailbox.close, delivery_mailbox()).atexit = False
        return mailbox
    return _mailbox_by_thread(loop)


def _mailbox_by_thread(loop: asyncio.AbstractEventLoop) -> _core.Mailbox:
    """For loops that watch no descriptors: a thread waits, the loop delivers."""
    mailbox = _core.Mailbox(False)
    target = weakref.ref(loop)

    def pass_on() -> None:
        while True:
            mailbox.wait()
            alive = target()
            if alive is None or alive.is_closed():
                return mailbox.close(delivery_mailbox())
            alive.call_soon_threadsafe(mailbox.deliver)
            del alive

    start_thread(pass_on)
    return mailbox


def _after_fork() -> None:
    global _delivery, _lock
    _lock = threading.Lock()
    _delivery = None
    _mailboxes.clear()
    _core._forget_calls()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
