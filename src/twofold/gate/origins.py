"""Origins of applications, and addresses on them, in one normal form.

Rules, headers of proxies, return addresses and tickets are compared in this form only: lower case, IDNA A-labels, no
default port.
"""

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import idna
import msgspec

from twofold.config.hosts import is_host, is_loopback

_PORTS = {"http": 80, "https": 443}
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]@:/?#\s%]+)(?::(?P<port>[0-9]{1,5}))?")
_MAX_PORT = 65_535
# What no browser sends, and proxies and applications read differently: in any part of a target, and in its path.
_FORBIDDEN = re.compile(r"[^\x21-\x7e]|#|%00")
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f]")
_FORBIDDEN_IN_PATH = re.compile(r"\\|%(?![0-9A-Fa-f]{2})")
_AMBIGUOUS = re.compile(r"%2f|%5c|%2e|;|%3b|//|/\.{1,2}(?:/|$)|%25|%[01][0-9a-f]|%7f", re.IGNORECASE)
_NEEDLESS = re.compile(r"%(?:[46][1-9A-F]|[57][0-9A]|3[0-9]|2D|5F|7E)", re.IGNORECASE)  # unreserved (RFC 3986 2.3)


class InvalidOrigin(ValueError):
    """A host or address that is not in a form that the gate accepts; the message is a sentence without its value."""


class Origin(msgspec.Struct, frozen=True):
    """Scheme, host and port of an application; `port` is 0 for the scheme's own."""

    scheme: str
    host: str
    port: int = 0

    def __str__(self) -> str:
        """Return the origin as browsers write it."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Return host and port, as in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    @property
    def is_safe(self) -> bool:
        """Return whether the connection is protected: https, or http on this machine."""
        return self.scheme == "https" or is_loopback(self.host)


@lru_cache(maxsize=1024)
def read_origin(scheme: str, authority: str) -> Origin:
    """Return an origin in normal form; `ws` and `wss` count as `http` and `https`. Raise InvalidOrigin."""
    if (plain := _SCHEMES.get(scheme)) is None:
        raise InvalidOrigin("the scheme is neither http nor https")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise InvalidOrigin("the host is not a single host name with an optional port")
    port = int(match["port"]) if match["port"] else _PORTS[plain]
    if not 0 < port <= _MAX_PORT:
        raise InvalidOrigin("the port is not between 1 and 65535")
    return Origin(plain, read_host(match["host"].strip("[]")), 0 if port == _PORTS[plain] else port)


def read_host(text: str) -> str:
    """Return a host name in normal form. Raise InvalidOrigin, also for a dot at the end."""
    host = text.lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise InvalidOrigin("the host is not a valid international host name") from None
    if not is_host(host):
        raise InvalidOrigin("the host is not a valid host name")
    return host


def read_address(text: str) -> tuple[Origin, str]:
    """Return origin and target of an absolute address, such as one to return to. Raise InvalidOrigin."""
    if _CONTROLS.search(text):  # which urlsplit removes
        raise InvalidOrigin("the address has spaces or control characters")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise InvalidOrigin("the address is not valid") from None
    if "://" not in text or not parts.netloc:
        raise InvalidOrigin("the address does not begin with https:// and a host")
    target = text.partition("://")[2][len(parts.netloc) :]
    target = target if target.startswith("/") else f"/{target}"
    if is_forbidden(target):
        raise InvalidOrigin("the address has characters that must be encoded")
    return read_origin(parts.scheme, parts.netloc), target


def is_forbidden(target: str) -> bool:
    """Return whether a request target has characters that no browser sends, on any host."""
    if not target.startswith("/") or _FORBIDDEN.search(target):
        return True
    return ("\\" in target or "%" in target) and bool(_FORBIDDEN_IN_PATH.search(target.partition("?")[0]))


def is_ambiguous(path: str) -> bool:
    """Return whether proxy, gate and application could read a path differently.

    Encoded slashes, dots and controls, path parameters, empty and dot segments, needless or double encoding, and what
    is not UTF-8, such as overlong forms.
    """
    if _AMBIGUOUS.search(path) or _NEEDLESS.search(path):
        return True
    try:
        unquote(path, errors="strict")
    except UnicodeDecodeError:
        return True
    return False
