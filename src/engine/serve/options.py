"""What a server is told at its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Sizes in bytes, times in seconds.

    max_body: of a request, also after it was decompressed; more is 413.
    overloaded_status: of a call that is refused for overload; 503 or 429.
    repository_control: whether models may be loaded and unloaded over HTTP.
    short_call: calls that are known to take less, and need not wait, compute on the event loop: cheaper than handing them over.
        Those of a model with a Loop are never known to.
    metrics_folder: where the worker processes count together (engine.metrics.share); None: there is one.
    drain_delay: from SIGTERM to the closing of the listener; calls are served meanwhile, readiness is 503.
    drain_timeout: from then on, for calls in flight.
    """

    max_body: int = 64 << 20
    overloaded_status: int = 503
    repository_control: bool = True
    short_call: float = 200e-6
    metrics_folder: str | None = None
    drain_delay: float = 5.0
    drain_timeout: float = 20.0
