"""A gateway with a real socket: it keeps what it was sent, and behaves as it is told, well or badly."""

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
    """One request as it came."""

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
    """`with Gateway() as gateway:` listens on loopback; `behaviour` may be changed at any time."""

    def __init__(self, behaviour: Behaviour | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour or answers(200)
        self.tls = tls
        self.received: list[Received] = []
        self.over = threading.Event()  # whatever still hangs may go
        self.port = 0
        self.server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def webhook(self) -> str:
        """Its address as a courier."""
        return f"webhook+http://127.0.0.1:{self.port}/send"

    @property
    def ids(self) -> list[str]:
        """The ids of all messages that came, in their order."""
        return [received.json["id"] for received in self.received]

    def up(self) -> Self:
        """Begin to listen, the second time on the same port."""
        self.server = Server(("127.0.0.1", self.port), type("Bound", (Handler,), {"owner": self}))
        self.port = self.server.server_address[1]
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def down(self) -> None:
        """Listen no more: who connects is refused."""
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
    """One thread a connection; none outlives the test."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


class Handler(BaseHTTPRequestHandler):
    """Keeps a request and lets the gateway's behaviour answer it."""

    protocol_version = "HTTP/1.1"
    owner: Gateway

    def answer(self) -> None:
        """Keep and answer."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # its sender died
            self.close_connection = True
            return
        self.owner.received.append(Received(self.command, self.path, dict(self.headers), body))
        self.owner.behaviour(self)

    do_GET = do_POST = do_OPTIONS = answer  # noqa: N815 - names that the library asks for

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def answers(status: int, body: bytes = b"{}", **headers: str) -> Behaviour:
    """Answers with a status."""

    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def drops(handler: Handler) -> None:
    """Closes the connection without a word."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)


def talks_garbage(handler: Handler) -> None:
    """Answers with what is no HTTP."""
    handler.close_connection = True
    handler.wfile.write(b"\x00\xff garbage \r\n\r\n" * 20)


def is_slow(handler: Handler) -> None:
    """Does not answer before the test is over."""
    handler.owner.over.wait(30)
    drops(handler)


def takes_and_hangs(handler: Handler) -> None:
    """Says 200 and never ends the body."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nta")
    handler.owner.over.wait(30)
    drops(handler)


@dataclass
class Flood:
    """Says a status and sends a body without end; counts what was taken of it."""

    status: int
    sent: int = 0

    def __call__(self, handler: Handler) -> None:
        """Send until nobody reads any more."""
        handler.close_connection = True
        handler.wfile.write(f"HTTP/1.1 {self.status} Flood\r\nConnection: close\r\n\r\n".encode())
        with contextlib.suppress(OSError):
            for _ in range(MOST_PIECES):
                handler.wfile.write(PIECE)
                self.sent += len(PIECE)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behaves one way after the other, and stays with the last."""
    left = list(behaviours)

    def behave(handler: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return behave


def closed_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], within: float = 10.0) -> None:
    """Wait until something holds; the test fails when it does not."""
    give_up_at = time.monotonic() + within
    while not true():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.02)
