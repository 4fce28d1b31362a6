"""How a process that serves ends: nobody new comes in, whoever is in is answered, and only then the server stops.

A server that is told to stop closes connections whose request it has not read yet, though it may have arrived long ago.
So new ones are kept out for a moment first: the kernel drops their first packet (SYN), and when they try again, a
second later, another process takes them, or they are refused.
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

LINGER = 0.3  # seconds: whoever came in just before has its request read by then

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_KEEP_OUT = (  # classic BPF, over the TCP header: drop what has SYN and not ACK
    (0x30, 0, 0, 13),  # load the byte with the flags
    (0x54, 0, 0, 0x12),  # keep ACK and SYN
    (0x15, 0, 1, 0x02),  # only SYN?
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # else let it pass
)


def close_then(stop: Callable[[], None]) -> None:
    """Let nobody new in, and call `stop` a moment later, on the running event loop."""
    asyncio.get_running_loop().call_later(LINGER, stop)
    for listening in _listening():
        with suppress(OSError), listening:  # a sandbox may forbid it
            _keep_out(listening)


def _listening() -> Iterator[socket.socket]:
    """Give the sockets on which this process takes connections; the server does not hand them out."""
    if sys.platform != "linux":
        return
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if not str(descriptor.readlink()).startswith("socket:"):
                continue
            found = socket.socket(fileno=os.dup(int(descriptor.name)))
        except OSError:
            continue  # closed meanwhile
        if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield found
        else:
            found.close()


def _keep_out(listening: socket.socket) -> None:
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _KEEP_OUT))
    listening.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_KEEP_OUT), ctypes.addressof(program))
    )
