"""Requests from outside, sent byte for byte: no redirects, no cookies of its own, and every certificate is verified."""

import socket
import ssl
from collections.abc import Sequence
from http.client import HTTPException, HTTPResponse

import msgspec

from twofold.gate.origins import Origin

Headers = Sequence[tuple[str, str]]
PORTS = {"http": 80, "https": 443}
_TIMEOUT = 10  # seconds, for each step of the connection
_MAX_BODY = 1_000_000  # bytes


class NoAnswer(Exception):
    """There is no usable answer; the message is the reason, to follow a colon."""


class Reply(msgspec.Struct, frozen=True):
    """What came back. A status of 0 means that the connection was closed without an answer."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Return the values of a header, whose name is given in lower case."""
        return [value for each, value in self.headers if each.lower() == name]

    def header(self, name: str) -> str:
        """Return the first value of a header, or an empty text."""
        return next(iter(self.all(name)), "")

    @property
    def is_success(self) -> bool:
        """Return whether the request has reached something that serves it."""
        return self.status == 101 or 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 15


class Client:
    """Connects to the hosts of applications, or to one address in place of all of them."""

    def __init__(self, address: str = "", port: int = 0) -> None:
        self._address, self.port = address, port
        self._tls = ssl.create_default_context()

    def has_address(self, host: str) -> bool:
        """Return whether a host name leads anywhere."""
        try:
            return bool(self._address or socket.getaddrinfo(_address_of(host), None))
        except (OSError, UnicodeError):
            return False

    def send(
        self,
        origin: Origin,
        target: str,
        *,
        method: str = "GET",
        headers: Headers = (),
        host: str | None = None,
    ) -> Reply:
        """Send a request without a body; `host` is another value of the Host header. Raise NoAnswer."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {origin.authority if host is None else host}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += ["Content-Length: 0"] if method not in {"GET", "HEAD"} else []
        lines += [] if any(name == "Connection" for name, _ in headers) else ["Connection: close"]
        try:
            with self._connected(origin) as connection:
                connection.sendall("\r\n".join((*lines, "", "")).encode("latin-1"))
                return _read(connection, method)
        except ssl.SSLCertVerificationError as error:
            raise NoAnswer(f"the certificate is not accepted: {error.verify_message}") from error
        except TimeoutError as error:
            raise NoAnswer("no answer in time") from error
        except (OSError, HTTPException, UnicodeError) as error:
            raise NoAnswer(getattr(error, "strerror", None) or type(error).__name__) from error

    def _connected(self, origin: Origin) -> socket.socket:
        port = self.port or origin.port or PORTS[origin.scheme]
        connection = socket.create_connection((self._address or _address_of(origin.host), port), _TIMEOUT)
        if origin.scheme == "http":
            return connection
        try:
            return self._tls.wrap_socket(connection, server_hostname=origin.host)
        except BaseException:
            connection.close()
            raise


def _address_of(host: str) -> str:
    """Return what to look up; many systems do not know that `*.localhost` is this machine (RFC 6761 6.3)."""
    return "localhost" if host.endswith(".localhost") else host


def _read(connection: socket.socket, method: str) -> Reply:
    response = HTTPResponse(connection, method=method)
    try:
        response.begin()
        return Reply(response.status, response.getheaders(), response.read(_MAX_BODY))
    finally:
        response.close()
