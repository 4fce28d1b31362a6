"""Where things are: the public address, the database, the proxies in front, the keys.

A refusal never repeats what was given: an address may carry a password.
"""

import re
from base64 import urlsafe_b64decode
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from twofold.config.units import Refused, words

Network = IPv4Network | IPv6Network

_LONGEST_HOST = 253  # RFC 1035 2.3.4, without the closing dot
_PORTS = range(1, 65_536)
_MAPPED = ip_network("::ffff:0:0/96")  # every IPv4 address, written as IPv6
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_OPTIONS = {  # what the driver takes; it knows no other words
    "statement_cache_size": {"0"},  # behind PgBouncer
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "target_session_attrs": {"any", "primary", "standby", "read-write", "read-only", "prefer-standby"},
}


class SecretKey(NamedTuple):
    """A named key of 32 bytes that does not show itself."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        """Name the key, never show it."""
        return f"SecretKey({self.id!r})"


def data_dir(text: str) -> Path:
    """Read a directory; relative ones are taken from where the command was started. Raises Refused."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise Refused("names a home directory that does not exist: write the whole path") from None


def base_url(text: str) -> str:
    """Read the public address, without a closing stroke or a default port. Raises Refused."""
    parts = _split(text, "must be an address such as https://login.example.org or https://example.org/account")
    host, port = parts.hostname or "", parts.port
    shown_host = f"[{host}]" if ":" in host else host
    if parts.scheme not in {"http", "https"} or not is_host(host) or port == 0:
        raise Refused("must be an address such as https://login.example.org or https://example.org/account")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise Refused(
            "must not hold a user name, a password, a query or a fragment: leave only scheme, host, port and path"
        )
    if parts.netloc.lower() not in {shown_host, f"{shown_host}:", f"{shown_host}:{port}"}:
        raise Refused("must name its host and port in the plainest way, such as https://login.example.org:8443")
    if not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?", parts.path):
        raise Refused("must have a plain path such as /account: letters, digits, `.`, `-`, `_` and `~`")
    if parts.scheme == "http" and not is_loopback(host):
        raise Refused("must begin with https:// unless the host is this machine (127.0.0.1, ::1 or localhost)")
    shown_port = "" if port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown_host}{shown_port}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine: 127.0.0.0/8, ::1 or localhost."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(url: str) -> str:
    """Give the host of an address that `base_url` has read, without port and brackets."""
    return urlsplit(url).hostname or ""


def _split(text: str, otherwise: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is no number, or too large
    except ValueError:
        raise Refused(otherwise) from None
    return parts


def is_host(host: str) -> bool:
    """Tell whether a text is a host name or an address, written in its plainest way."""
    if ":" in host or re.fullmatch(r"(.*\.)?[0-9]+", host):  # browsers read a host that ends in a number as IPv4
        try:
            return "%" not in host and str(ip_address(host)) == host
        except ValueError:
            return False
    return len(host) <= _LONGEST_HOST and re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", host) is not None


def site_name(text: str) -> str:
    """Read the name that authenticator apps show. Raises Refused."""
    if not re.fullmatch(r"(?! )[\w. -]{1,64}(?<! )", text):
        raise Refused("must have 1 to 64 letters, digits, `.`, `-`, `_` and spaces between them")
    return text


def site_name_of(url: str) -> str:
    """Make a site name from the host of the public address."""
    host = host_of(url)
    return "localhost" if host == "::1" else host.replace(":", "-")[:64]


def database_url(text: str) -> str:
    """Read `sqlite:///path` (`sqlite:////path` from the root) or `postgresql://user:pass@host/db`. Raises Refused."""
    scheme, mark, rest = text.partition("://")
    if scheme == "sqlite" and mark:
        return _sqlite_url(rest)
    if scheme in {"postgresql", "postgres"} and mark:
        return _postgres_url(rest)
    raise Refused("must be sqlite:///path or postgresql://user:password@host/database")


def sqlite_url(path: Path) -> str:
    """Write an absolute path as a database URL."""
    return f"sqlite:///{path}"


def _sqlite_url(rest: str) -> str:
    path = rest.removeprefix("/")
    if path == rest or not path or path.endswith("/") or "?" in path or ":memory:" in path:
        raise Refused(
            "must name a file: sqlite:///twofold.db here, or sqlite:////var/lib/twofold/twofold.db from the root"
        )
    return sqlite_url(Path(path).absolute())


def _postgres_url(rest: str) -> str:
    place, _, query = rest.partition("?")
    servers, _, name = place.partition("/")
    hosts = servers.rpartition("@")[2].split(",")
    if "#" in rest or not name or "/" in name:
        raise Refused(
            "must name a database, such as postgresql://user:password@host/database; "
            "in a password write %23 for # and %2F for /"
        )
    has_hosts = "host=" in query or all(hosts)
    ports = [found[1] for found in (re.fullmatch(r"(?:\[[^]]*\]|[^:]*):(.*)", host) for host in hosts) if found]
    if not has_hosts or any(not re.fullmatch(r"[0-9]{1,5}", port) or int(port) not in _PORTS for port in ports):
        raise Refused("must name hosts, such as postgresql://user:password@host1:5432,host2:5432/database")
    for name, value in parse_qsl(query, keep_blank_values=True):
        if value not in _OPTIONS.get(name, {value}):
            raise Refused(f"has an unknown {name}: use one of {', '.join(sorted(_OPTIONS[name]))}")
    return f"postgresql://{rest}"


def write_database_url(url: str) -> str:
    """Show which database is meant, without name, password or options."""
    scheme, _, rest = url.partition("://")
    return url if scheme == "sqlite" else f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def countries(text: str) -> tuple[str, ...]:
    """Read `US,CA,GB`, or `*` for every country. Raises Refused."""
    read = tuple(dict.fromkeys(words(text)))
    if read != ("*",) and not all(re.fullmatch(r"[A-Z]{2}", country) for country in read):
        raise Refused("must be country codes of two capital letters such as US,CA,GB, or * for every country")
    return read


def networks(text: str) -> tuple[Network, ...]:
    """Read networks such as `10.0.0.0/8 ::1`. Raises Refused."""
    read = tuple(dict.fromkeys(_network(word) for word in words(text)))
    if any(network.prefixlen == 0 or network == _MAPPED for network in read):
        raise Refused("must not trust every address, or anybody could forge theirs: name the networks of your proxies")
    return read


def _network(word: str) -> Network:
    try:
        return ip_network(word)
    except ValueError:
        raise Refused(
            "must be networks such as 10.0.0.0/8, 192.0.2.7 or fd00::/8, each written with its first address"
        ) from None


def secret_keys(text: str) -> tuple[SecretKey, ...]:
    """Read `id:base64url` of 32 bytes each, newest first. Raises Refused."""
    keys = tuple(_secret_key(word) for word in words(text))
    if len({key.id for key in keys}) < len(keys):
        raise Refused("names the same key twice: give every key its own id")
    return keys


def _secret_key(word: str) -> SecretKey:
    key_id, _, text = word.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", key_id) or not re.fullmatch(r"[A-Za-z0-9_-]{43}=?", text):
        raise Refused("must be id:base64url of 32 bytes, newest first, separated by spaces")
    return SecretKey(key_id, urlsafe_b64decode(text.rstrip("=") + "="))
