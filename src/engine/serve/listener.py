"""The listening socket, from its first connection to its last."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import sys

BACKLOG = 2048
_SO_ATTACH_FILTER = 26
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF_RET | BPF_K, 0 bytes


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0: any."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def last_connections(listener: socket.socket) -> list[socket.socket]:
    """Those that nobody has accepted yet, whose clients believe that they are connected. Closes the listener.

    On Linux it is deaf from before the first is taken, so that none comes while the last is: closing would reset that one.
    """
    _stop_listening(listener)
    taken = []
    try:
        while True:
            taken.append(listener.accept()[0])
    except BlockingIOError:
        listener.close()
    for sock in taken:
        sock.setblocking(False)
    return taken


def _stop_listening(listener: socket.socket) -> None:
    """Whoever connects from now on hears nothing, tries again after a second, and is refused."""
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_DROP_ALL)
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))
