"""Parse the public address, database addresses and networks.

An error never repeats the value: an address may contain a password.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from twofold.config.hosts import is_host, is_loopback
from twofold.config.postgres import PostgresUrl
from twofold.config.values import InvalidSetting, words

Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")  # every IPv4 address, written as IPv6


def base_url(text: str) -> str:
    """Return the public address without a trailing slash or default port. Raise InvalidSetting if it is invalid."""
    parts = _split(text, "must be an address such as https://login.example.org or https://example.org/account")
    host, port = parts.hostname or "", parts.port
    shown_host = f"[{host}]" if ":" in host else host
    if parts.scheme not in {"http", "https"} or not is_host(host) or port == 0:
        raise InvalidSetting("must be an address such as https://login.example.org or https://example.org/account")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise InvalidSetting(
            "must not contain a user name, password, query or fragment: keep only scheme, host, port and path"
        )
    if parts.netloc.lower() not in {shown_host, f"{shown_host}:", f"{shown_host}:{port}"}:
        raise InvalidSetting(
            "must have its host and port in their simplest form, such as https://login.example.org:8443"
        )
    if not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?", parts.path):
        raise InvalidSetting("must have a plain path such as /account: letters, digits, `.`, `-`, `_` and `~`")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidSetting("must begin with https:// unless the host is this machine (127.0.0.1, ::1 or localhost)")
    shown_port = "" if port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown_host}{shown_port}{parts.path.rstrip('/')}"


def _split(text: str, otherwise: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError if it is not a port number
    except ValueError:
        raise InvalidSetting(otherwise) from None
    return parts


def database_url(text: str) -> str:
    """Return a SQLite or PostgreSQL address in its full form. Raise InvalidSetting if it is neither."""
    scheme, mark, rest = text.partition("://")
    if scheme == "sqlite" and mark:
        return _sqlite_url(rest)
    if scheme in {"postgresql", "postgres"} and mark:
        PostgresUrl.of(text)
        return f"postgresql://{rest}"
    raise InvalidSetting("must be sqlite:///path or postgresql://user:password@host/database")


def sqlite_url(path: Path) -> str:
    """Return an absolute path as a database URL."""
    return f"sqlite:///{path}"


def _sqlite_url(rest: str) -> str:
    path = rest.removeprefix("/")
    if path == rest or not path or path.endswith("/") or "?" in path or ":memory:" in path:
        raise InvalidSetting(
            "must name a file: sqlite:///twofold.db (relative) or sqlite:////var/lib/twofold/twofold.db (absolute)"
        )
    return sqlite_url(Path(path).absolute())


def write_database_url(url: str) -> str:
    """Return a database URL for display, without user name, password or options."""
    scheme, _, rest = url.partition("://")
    return url if scheme == "sqlite" else f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def networks(text: str) -> tuple[Network, ...]:
    """Return networks such as `10.0.0.0/8 ::1`. Raise InvalidSetting if one is invalid or covers every address."""
    read = tuple(dict.fromkeys(_network(word) for word in words(text)))
    if any(network.prefixlen == 0 for network in read):
        raise InvalidSetting(
            "must not cover every address, or anyone could forge theirs: name the networks of your proxies"
        )
    return read


def _network(word: str) -> Network:
    try:
        network = ip_network(word)
    except ValueError:
        raise InvalidSetting(
            "must be networks such as 10.0.0.0/8, 192.0.2.7 or fd00::/8, each beginning with its first address"
        ) from None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):  # client addresses are compared as IPv4 too
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - 96))
    return network
