"""Speaking to the server in bytes, as no well-behaved client would."""

import contextlib
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.sync import connect, receive

Address = tuple[str, int]


def say(url: str, *pieces: bytes, pause: float = 0.0, within: float = 5.0) -> bytes:
    """Sends bytes, with a pause between pieces, and gives all that comes back until silence or the end."""
    with connect(url) as connection:
        connection.settimeout(within)
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
        return hear(connection)


def hear(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, or says nothing for the connection's time-out."""
    received = b""
    with contextlib.suppress(TimeoutError):
        while piece := receive(connection):
            received += piece
    return received


def get(url: str, *headers: str, path: str = "/sign-in", method: str = "GET") -> bytes:
    """A whole request without a body that closes its connection."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def statuses(received: bytes) -> list[int]:
    """The statuses of all answers in what came back; none when the connection was closed without a word."""
    parts = received.split(b"HTTP/1.")[1:]
    return [int(part[2:5]) for part in parts if part[1:2] == b" " and part[2:5].isdigit()]


def memory_of(pid: int) -> int:
    """The resident memory of a process in bytes."""
    return int(field_of(pid, "VmRSS").split()[0]) * 1024


def peak_memory_of(pid: int) -> int:
    """The highest resident memory that a process has had so far, in bytes."""
    return int(field_of(pid, "VmHWM").split()[0]) * 1024


def field_of(pid: int, name: str) -> str:
    """One line of what the system tells of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{name}:")).partition(":")[2].strip()
