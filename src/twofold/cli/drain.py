"""Stop a serving process gracefully: block new connections, read the requests of existing ones, then stop the server.

A server that stops closes connections whose requests it has not read yet. New connections are therefore blocked shortly
before: the kernel drops their first packet (SYN). When clients retry a second later, another process accepts them, or
they are refused.
"""

import asyncio
import ctypes
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

LINGER = 0.3  # seconds, for reading the requests of connections that were just accepted

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_DROP_SYN = (  # classic BPF over the TCP header: drop packets with SYN but not ACK
    (0x30, 0, 0, 13),  # load the byte with the flags
    (0x54, 0, 0, 0x12),  # mask ACK and SYN
    (0x15, 0, 1, 0x02),  # only SYN?
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # otherwise accept it
)


def stop_gracefully(stop: Callable[[], None]) -> None:
    """Block new connections, and call `stop` on the running event loop after LINGER seconds."""
    asyncio.get_running_loop().call_later(LINGER, stop)
    for listening in _listening():
        with suppress(OSError), listening:  # a sandbox may forbid it
            _block(listening)


def _listening() -> Iterator[socket.socket]:
    """Yield the listening sockets of this process, which the server does not expose."""
    if sys.platform != "linux":
        return
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if not str(descriptor.readlink()).startswith("socket:"):
                continue
            duplicate = socket.socket(fileno=os.dup(int(descriptor.name)))
        except OSError:
            continue  # closed in the meantime
        if duplicate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield duplicate
        else:
            duplicate.close()


def _block(listening: socket.socket) -> None:
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN))
    listening.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_DROP_SYN), ctypes.addressof(program))
    )
