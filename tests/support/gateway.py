"""A gateway on a real socket that records requests, and responds or fails as configured."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

PIECE = b"x" * 65_536
MOST_PIECES = 400


@dataclass(frozen=True)
class Received:
    """A request that was received."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        read: dict[str, Any] = json.loads(self.body)
        return read

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode("ascii"), strict_parsing=True, keep_blank_values=True))


Behaviour = Callable[["Handler"], None]


class Gateway:
    """A gateway on loopback for `with Gateway() as gateway:`; `behaviour` can be changed at any time."""

    def __init__(self, behaviour: Behaviour | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour or answers(200)
        self.tls = tls
        self.received: list[Received] = []
        self.over = threading.Event()  # release requests that still hang
        self.port = 0
        self.server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """The URL at which it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def webhook(self) -> str:
        """Its URL as a courier setting."""
        return f"webhook+http://127.0.0.1:{self.port}/send"

    @property
    def ids(self) -> list[str]:
        """The ids of all received messages, in order."""
        return [received.json["id"] for received in self.received]

    def up(self) -> Self:
        """Start listening, on the same port as before if there was one."""
        self.server = Server(("127.0.0.1", self.port), type("Bound", (Handler,), {"owner": self}))
        self.port = self.server.server_address[1]
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def down(self) -> None:
        """Stop listening, so that connections are refused."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.down()


class Server(ThreadingHTTPServer):
    """A server with one thread per connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect."""


class Handler(BaseHTTPRequestHandler):
    """Record requests, and respond with the gateway's behaviour."""

    protocol_version = "HTTP/1.1"
    owner: Gateway

    def answer(self) -> None:
        """Record the request and respond."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the sender was killed
            self.close_connection = True
            return
        self.owner.received.append(Received(self.command, self.path, dict(self.headers), body))
        self.owner.behaviour(self)

    do_GET = do_POST = do_OPTIONS = answer  # noqa: N815 - names that http.server requires

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def answers(status: int, body: bytes = b"{}", **headers: str) -> Behaviour:
    """Return a behaviour that responds with a status."""

    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def drops(handler: Handler) -> None:
    """Close the connection without a response."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)


def talks_garbage(handler: Handler) -> None:
    """Respond with something that is not HTTP."""
    handler.close_connection = True
    handler.wfile.write(b"\x00\xff garbage \r\n\r\n" * 20)


def is_slow(handler: Handler) -> None:
    """Send no response until the test ends."""
    handler.owner.over.wait(30)
    drops(handler)


def takes_and_hangs(handler: Handler) -> None:
    """Respond with 200 and a body that never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nta")
    handler.owner.over.wait(30)
    drops(handler)


@dataclass
class EndlessAnswer:
    """Respond with a status and an endless body, and count the bytes that were sent."""

    status: int
    sent: int = 0

    def __call__(self, handler: Handler) -> None:
        """Send until the client stops reading."""
        handler.close_connection = True
        handler.wfile.write(f"HTTP/1.1 {self.status} Flood\r\nConnection: close\r\n\r\n".encode())
        with contextlib.suppress(OSError):
            for _ in range(MOST_PIECES):
                handler.wfile.write(PIECE)
                self.sent += len(PIECE)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Return a behaviour that follows these in turn and repeats the last one."""
    left = list(behaviours)

    def behave(handler: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return behave


def closed_port() -> int:
    """Return a loopback port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], within: float = 10.0) -> None:
    """Wait until a condition holds. Raise AssertionError if it does not in time."""
    give_up_at = time.monotonic() + within
    while not true():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.02)
