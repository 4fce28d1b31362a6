"""A flood of requests over several connections, for the duration of `with Flood(...)`."""

import asyncio
import contextlib
import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Self
from urllib.parse import urlsplit


class Flood:
    """Connections that send what `request` returns, without pause; `seen` counts the statuses of the responses."""

    def __init__(self, url: str, connections: int, request: Callable[[int], bytes]) -> None:
        self.address = urlsplit(url)
        self.connections = connections
        self.request = request
        self.numbers = itertools.count()
        self.seen: Counter[int] = Counter()
        self.over = False
        self.begun = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    async def run(self) -> None:
        """Send over all connections at once."""
        await asyncio.gather(*(self.send() for _ in range(self.connections)))

    async def send(self) -> None:
        """Send over one connection, and open another when it is closed."""
        while not self.over:
            with contextlib.suppress(OSError, EOFError):
                reader, writer = await asyncio.open_connection(self.address.hostname, self.address.port)
                try:
                    while not self.over:
                        writer.write(self.request(next(self.numbers)))
                        self.seen[await status_of(reader)] += 1
                        self.begun.set()
                finally:
                    writer.close()

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.begun.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.over = True
        self.thread.join(60)
        assert not self.thread.is_alive()


async def status_of(reader: asyncio.StreamReader) -> int:
    """Read a complete response, and return its status; the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length: ")[2].split("\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(" ", 2)[1])


def sign_in(url: str, email: str, password: str, source: str) -> bytes:
    """Return a sign-in request as bytes, with the client's address as a trusted proxy sends it."""
    return post(url, "/api/v1/sign-in", {"email": email, "password": password}, {"X-Forwarded-For": source})


def post(url: str, path: str, body: object, headers: Mapping[str, str] = {}) -> bytes:
    """Return a call of the API as bytes."""
    content = json.dumps(body).encode()
    sent = {"Host": urlsplit(url).netloc, "Content-Type": "application/json", **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content


def addresses(network: str) -> Iterator[str]:
    """Return different addresses of a network, for example 10.1.x.y for 10.1."""
    return (f"{network}.{number >> 8}.{number & 255}" for number in itertools.count(1))
