"""A browser that reaches all hosts through one proxy, byte for byte, and follows the way to an application."""

import html
import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

from tests.support.doors import TWOFOLD
from tests.support.echo import mask
from tests.support.forms import FormReader

Headers = Sequence[tuple[str, str]]
NAVIGATION: Headers = (
    ("Accept", "text/html,application/xhtml+xml"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
)
FETCH: Headers = (("Accept", "*/*"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty"))
IMAGE: Headers = (("Accept", "image/*"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image"))
PROGRAM: Headers = (("User-Agent", "curl/8.5.0"), ("Accept", "*/*"))
WEBSOCKET: Headers = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-Fetch-Mode", "websocket"),
)
SWITCHING_PROTOCOLS = 101
MOST_STEPS = 12


class Reply(NamedTuple):
    """What came back through the proxy."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for each, value in self.headers if each.lower() == name.lower()]

    def header(self, name: str) -> str:
        """Return the value of a header that comes at most once; empty if there is none."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else ""

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON may be anything
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def words(self) -> str:
        """The text of a page."""
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", self.body.decode())))

    def seen(self, *names: str) -> dict[str, list[str]]:
        """Return the headers with these names that reached the application, by their names there."""
        wanted = {name.lower() for name in names}
        found: dict[str, list[str]] = {}
        for name, value in self.json["headers"]:
            if re.sub(r"[_.]", "-", name.lower()) in wanted:
                found.setdefault(name.lower(), []).append(value)
        return found


class Visitor:
    """A browser with cookies, which opens each host at the port of a proxy."""

    def __init__(self, port: int, ca: Path) -> None:
        self.port = port
        self.tls = ssl.create_default_context(cafile=str(ca))
        self.cookies: dict[str, dict[str, str]] = {}

    def signed_in(self, email: str, password: str, address: str) -> Self:
        """Return this browser after the whole way to an address of an application."""
        assert self.go(address, email, password).status == 200
        return self

    def get(self, address: str, headers: Headers = NAVIGATION, **options: Any) -> Reply:  # noqa: ANN401 - as `ask`
        """Open an address, which is not encoded any further."""
        host, slash, rest = address.partition("://")[2].partition("/")
        return self.ask(host, f"{slash}{rest}" or "/", headers, **options)

    def ask(
        self,
        host: str,
        target: str,
        headers: Headers = NAVIGATION,
        *,
        method: str = "GET",
        body: bytes = b"",
        message: bytes = b"",
    ) -> Reply:
        """Send a request with the cookies of the host. In a websocket, send a message, and return its echo."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sock = self.tls.wrap_socket(plain, server_hostname=host)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in self._sent(host, headers, body):
                connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            reply = Reply(response.status, response.getheaders(), response.read())
            if message and reply.status == SWITCHING_PROTOCOLS:
                reply = reply._replace(body=_echo(connection.sock, message))
        finally:
            connection.close()
        for line in reply.all("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies.setdefault(host, {})[name] = value
        return reply

    def go(self, address: str, email: str, password: str) -> Reply:
        """Open an address, follow all redirects, sign in where Twofold asks for it, and return the last reply."""
        reply = self.get(address)
        for _ in range(MOST_STEPS):
            if (onward := _onward(reply)) is not None:
                address = onward if "://" in onward else f"https://{urlsplit(address).netloc}{onward}"
                reply = self.get(address)
            elif urlsplit(address).netloc == TWOFOLD and reply.status == 200 and b'name="password"' in reply.body:
                reply = self.submit(reply, "/sign-in", email=email, password=password)
            else:
                return reply
        raise AssertionError(f"the way does not end: {reply}")

    def submit(self, page: Reply, action: str, **fields: str) -> Reply:
        """Send a form of a page of Twofold."""
        reader = FormReader()
        reader.feed(page.body.decode())
        form = next(each for each in reader.forms if urlsplit(each.action).path == action)
        form_type = ("Content-Type", "application/x-www-form-urlencoded")
        headers = (*NAVIGATION, form_type, ("Origin", f"https://{TWOFOLD}"), ("Sec-Fetch-Site", "same-origin"))
        body = urlencode({**form.fields, **fields}).encode()
        return self.ask(TWOFOLD, form.action, headers, method="POST", body=body)

    def _sent(self, host: str, headers: Headers, body: bytes) -> Iterable[tuple[str, str]]:
        yield "Host", host
        yield from headers
        if cookies := self.cookies.get(host):
            yield "Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())
        if body:
            yield "Content-Length", str(len(body))


def _onward(reply: Reply) -> str | None:
    """Return where a reply leads, or None."""
    if reply.header("location"):
        return reply.header("location")
    return reply.header("refresh").partition("url=")[2] or None


def _echo(connection: socket.socket, message: bytes) -> bytes:
    """Send a message in an open websocket, and return what comes back."""
    connection.sendall(mask(message))
    header = _read(connection, 2)
    return _read(connection, header[1])


def _read(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count and (piece := connection.recv(count - len(received))):
        received += piece
    return received
