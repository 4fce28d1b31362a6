"""An application that answers with what reached it, as JSON, and echoes websocket messages."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
_MASKED, _LENGTH = 0x80, 0x7F


class Received(NamedTuple):
    """A request as the application saw it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str


class EchoApplication:
    """The application on a free loopback port, for `with EchoApplication() as application:`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"received": self.received}))
        self.port: int = self.server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()


def mask(message: bytes) -> bytes:
    """Return a short text message as a frame from a client, masked with zeros."""
    return bytes((0x81, _MASKED | len(message), 0, 0, 0, 0)) + message


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as declared there
        """Say nothing about proxies that close connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received: list[Received]

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return the same handler for every method."""
        if name.startswith("do_"):
            return self._echo
        raise AttributeError(name)

    def _echo(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        target = self.requestline.split(" ")[1]  # `path` has lost a slash if there were two
        seen = Received(self.command, target, list(self.headers.items()), body)
        self.received.append(seen)
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self._echo_message()
        content = json.dumps(seen._asdict()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        return None

    def _echo_message(self) -> None:
        """Accept a websocket, send one message back and close the connection."""
        key = f"{self.headers['Sec-WebSocket-Key']}{_WEBSOCKET}".encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key).digest()).decode())  # noqa: S324 - RFC 6455
        self.end_headers()
        self.wfile.flush()
        opcode, length = self.rfile.read(2)
        key_of_mask = self.rfile.read(4)
        data = self.rfile.read(length & _LENGTH)
        message = bytes(byte ^ key_of_mask[at % 4] for at, byte in enumerate(data))
        self.wfile.write(bytes((opcode, len(message))) + message)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as declared there
        """Write no log."""
