"""Threads of the package's own."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Any

from engine import _core
from engine.errors import MemoryLimitExceeded


def start_thread(target: Callable[..., None], *args: Any) -> None:
    """Runs target(*args) on a daemon thread; again when it raises MemoryError, which even its first frame may.

    Raises MemoryLimitExceeded when the system gives no thread. threading.Thread would wait for ever for one that has no memory to
    begin with.
    """
    try:
        _thread.start_new_thread(_core._until_it_returns, (target, args))
    except RuntimeError as error:
        raise MemoryLimitExceeded(f"the system gives no thread: {error}") from error
