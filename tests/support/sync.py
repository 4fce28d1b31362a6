"""Simultaneous requests: all but the last byte of each is sent first, then all last bytes are released."""

import contextlib
import json
import selectors
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ANSWER_WITHIN = 60.0


@dataclass(frozen=True)
class RawAnswer:
    """The response on one connection. Status 0 means that it was closed without one."""

    status: int
    head: str
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return the body, parsed."""
        return json.loads(self.body)


def json_request(
    url: str,
    path: str,
    body: object,
    *,
    method: str = "POST",
    bearer: str | None = None,
    headers: Mapping[str, str] = {},
) -> bytes:
    """Return a JSON API request as bytes, which closes its connection; `path` is below /api/v1."""
    sent = {"Content-Type": "application/json", **headers}
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    return raw_request(url, f"/api/v1{path}", json.dumps(body).encode(), method=method, headers=sent)


def raw_request(url: str, path: str, body: bytes, *, method: str = "POST", headers: Mapping[str, str] = {}) -> bytes:
    """Return a request with a body as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def release_together(url: str, requests: Sequence[bytes]) -> list[RawAnswer]:
    """Send each request over its own connection, so that all become complete at the same moment."""
    return release_at([url] * len(requests), requests)


def release_at(urls: Sequence[str], requests: Sequence[bytes]) -> list[RawAnswer]:
    """Do the same with a URL for each request."""
    with contextlib.ExitStack() as open_connections:
        connections = [open_connections.enter_context(connect(url)) for url in urls]
        for connection, request in zip(connections, requests, strict=True):
            connection.sendall(request[:-1])
        time.sleep(0.2)
        for connection, request in zip(connections, requests, strict=True):
            connection.sendall(request[-1:])
        return [parse(received) for received in read_all(connections)]


def connect(url: str) -> socket.socket:
    """Return a connection that sends every byte at once (no Nagle)."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = socket.create_connection((parts.hostname, parts.port or 80), timeout=ANSWER_WITHIN)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_all(connections: Sequence[socket.socket]) -> list[bytes]:
    """Return everything received on each connection until it is closed, reading in parallel."""
    received = [b""] * len(connections)
    give_up_at = time.monotonic() + ANSWER_WITHIN
    with selectors.DefaultSelector() as waiting:
        for index, connection in enumerate(connections):
            waiting.register(connection, selectors.EVENT_READ, index)
        while waiting.get_map():
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{len(waiting.get_map())} of {len(connections)} connections were never answered")
            for key, _ in waiting.select(timeout=1.0):
                chunk = receive(connections[key.data])
                received[key.data] += chunk
                if not chunk:
                    waiting.unregister(key.fileobj)
    return received


def receive(connection: socket.socket) -> bytes:
    """Return the next bytes; none if the connection was closed."""
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def parse(received: bytes) -> RawAnswer:
    """Return a response with its body decoded if it is chunked."""
    head, _, body = received.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    if not text.startswith("HTTP/1.1 "):
        return RawAnswer(0, text, body)
    if "transfer-encoding: chunked" in text.lower():
        body = unchunk(body)
    return RawAnswer(int(text.split(" ", 2)[1]), text, body)


def unchunk(body: bytes) -> bytes:
    """Return the content of a chunked body (RFC 9112, section 7.1)."""
    content = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            break
        content += rest[:length]
        body = rest[length + 2 :]
    return content
