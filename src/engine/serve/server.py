"""One process that serves: uvicorn under the house's rules for leaving."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import uvicorn

from engine import events
from engine.serve.application import App
from engine.serve.leaving import Signals
from engine.serve.library import Library
from engine.serve.listener import last_connections
from engine.serve.options import Options
from engine.serve.spans import spans_if_set_up
from engine.serve.state import State

LINGER_SECONDS = 0.25
ABORT_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 75


class Server(uvicorn.Server):
    """On the first signal: not ready, and connections are not kept; after the drain delay (at once on SIGINT, or when it never was
    ready) the listener closes, calls in flight have the drain timeout, then they are cancelled. On a second signal: at once.
    """

    def __init__(self, state: State, sock: socket.socket, signals: Signals, parent: int | None) -> None:
        super().__init__(
            uvicorn.Config(
                App(state),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        self._state = state
        self._sock = sock
        self._signals = signals
        self._parent = parent
        self._hurry = asyncio.Event()
        self._was_ready = False
        self.failure: str | None = None
        self._leave: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        self._signals.listen(asyncio.get_running_loop(), self._on_signal)
        yield

    async def on_tick(self, counter: int) -> bool:
        self._was_ready = self._was_ready or self._state.ready
        self.failure = self.failure or getattr(self._state.library, "failure", None)
        if self.failure is not None and self._leave is None:
            events.emit(events.ERROR, "server_failed", f"there is nothing to serve: {self.failure}")
            self._on_signal(1)
        if self._parent is not None and os.getppid() != self._parent:
            self._on_signal(1)
        return await super().on_tick(counter)

    def _on_signal(self, count: int) -> None:
        if self._leave is None:
            self._leave = asyncio.ensure_future(self._leave_slowly())
        elif count > 1:
            self._hurry.set()

    async def _leave_slowly(self) -> None:
        ready = self._was_ready or self._state.ready
        slow = ready and self._signals.first != signal.SIGINT
        delay = self._state.options.drain_delay if slow else 0.0
        events.emit(events.INFO, "server_leaving", f"leaving: the listener closes in {delay:g} s", seconds=delay)
        self._state.leaving = True
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), delay)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Requests that come on connections that are open already are answered until none has come for LINGER_SECONDS."""
        await self._close_listener()
        end = time.monotonic() + self._state.options.drain_timeout
        quiet_since = time.monotonic()
        while not self._hurry.is_set() and time.monotonic() < end:
            now = time.monotonic()
            if self._state.in_flight:
                quiet_since = now
            elif not self.server_state.connections or now - quiet_since > LINGER_SECONDS:
                break
            await asyncio.sleep(0.01)
        if self._state.in_flight:
            await self._abort()
        await super().shutdown(sockets)

    async def _close_listener(self) -> None:
        rest = self._sock.dup()
        for server in self.servers:
            server.close()
        self._sock.close()
        await asyncio.sleep(0)
        for sock in last_connections(rest):
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, sock)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg, assignment, operator, unused-ignore]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def _abort(self) -> None:
        events.emit(
            events.WARNING,
            "drain_timeout",
            f"{self._state.in_flight} requests are cancelled",
            calls=self._state.in_flight,
        )
        await asyncio.to_thread(self._state.library.drain, 0)
        end = time.monotonic() + ABORT_SECONDS
        while self._state.in_flight and time.monotonic() < end:
            await asyncio.sleep(0.01)


def serve(
    open_library: Callable[[], Library],
    sock: socket.socket,
    options: Options,
    signals: Signals,
    parent: int | None = None,
) -> int:
    """Answer on `sock` until a signal says to leave. Returns the exit code. On the main thread.

    open_library: called once, with handlers in place; what it loads in the background is LOADING, and readiness 503, meanwhile.
    parent: the process whose end is a signal to leave.
    """
    library = open_library()
    state = State(library, options)
    state.spans = spans_if_set_up()
    if options.metrics_folder is not None:
        state.count_in_shared_memory()
    host, port = sock.getsockname()[:2]
    events.emit(
        events.INFO, "server_started", f"serving on http://{host}:{port}", host=host, port=port, pid=os.getpid()
    )
    server = Server(state, sock, signals, parent)
    server.run([sock])
    signals.put_back()
    library.drain(0)
    library.close()
    events.emit(events.INFO, "server_stopped", "stopped", pid=os.getpid())
    return 1 if server.failure is not None else 0
