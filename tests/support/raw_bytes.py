"""Send bytes to the server that no well-behaved client would send."""

import contextlib
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.sync import connect, receive

Address = tuple[str, int]


def exchange(url: str, *pieces: bytes, pause: float = 0.0, within: float = 5.0) -> bytes:
    """Send bytes, with a pause between pieces, and return everything received until silence or the end."""
    with connect(url) as connection:
        connection.settimeout(within)
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Return everything received until the server closes the connection, or is silent for its timeout."""
    received = b""
    with contextlib.suppress(TimeoutError):
        while piece := receive(connection):
            received += piece
    return received


def get(url: str, *headers: str, path: str = "/sign-in", method: str = "GET") -> bytes:
    """Return a request without a body, which closes its connection."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def statuses(received: bytes) -> list[int]:
    """Return the statuses of all responses; the list is empty if the connection was closed without one."""
    parts = received.split(b"HTTP/1.")[1:]
    return [int(part[2:5]) for part in parts if part[1:2] == b" " and part[2:5].isdigit()]


def memory_of(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    return int(field_of(pid, "VmRSS").split()[0]) * 1024


def peak_memory_of(pid: int) -> int:
    """Return the peak resident memory of a process in bytes."""
    return int(field_of(pid, "VmHWM").split()[0]) * 1024


def field_of(pid: int, name: str) -> str:
    """Return a field of `/proc/PID/status`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{name}:")).partition(":")[2].strip()
