"""Where a request comes from: the address of the peer, or the one that a trusted proxy reports, and the program.

Forwarding headers from other peers are ignored. An address has one spelling: `::ffff:192.0.2.7` is 192.0.2.7, and
`X-Forwarded-For` may contain ports, brackets, zones or `for=`. Programs are named from a fixed vocabulary, so that
text from clients is never shown.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from twofold.base.languages import Languages
from twofold.base.sightings import IGNORED_FORWARDING, NO_FORWARDING, UNREADABLE_FORWARDING
from twofold.base.unit_of_work import Caller
from twofold.config import Network

_MAX_LENGTH = 512  # characters examined
_MAX_HOPS = 32  # the nearest ones, since the client may have invented the others
_FORWARDING = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
_HOP = re.compile(  # RFC 7239 6, and forms that proxies use in X-Forwarded-For
    r"""(?:for=)?"?(?:\[(?P<v6>[0-9a-f:.]+)(?:%[^]]*)?](?::[0-9]{1,5})?|(?P<v4>[0-9.]+)(?::[0-9]{1,5})?"""
    r"""|(?P<bare>[0-9a-f.]*:[0-9a-f:.]*)(?:%.*)?)"?(?:;.*)?""",
    re.IGNORECASE,
)
_NAT64 = IPv6Network("64:ff9b::/96")
_PRIVATE = tuple(
    IPv4Network(network)
    for network in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
)
_CALLER_HEADERS = (b"user-agent", b"accept-language")
_PROGRAMS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def caller_of(scope: Scope, trusted: Sequence[Network], languages: Languages) -> Caller:
    """Return where a request comes from."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    source = client_of(peer_of(scope), headers, partial(is_trusted, networks=trusted))[0]
    values = {name: value[:_MAX_LENGTH].decode("latin-1") for name, value in headers if name in _CALLER_HEADERS}
    agent, accepted = values.get(b"user-agent", ""), values.get(b"accept-language", "")
    return Caller(source, _network(source), program_name(agent), languages.preferred(accepted))


def peer_of(scope: Scope) -> str:
    """Return the address of the peer, without a zone."""
    return _canonical(str(scope["client"][0]).partition("%")[0]) if scope.get("client") else ""


def forwarding_fault(scope: Scope, trusted: Sequence[Network]) -> str | None:
    """Return the name of the sighting if a proxy hides the client's address, or None."""
    peer, headers = peer_of(scope), scope["headers"]
    if is_trusted(peer, trusted):
        return client_of(peer, headers, partial(is_trusted, networks=trusted))[1]
    return IGNORED_FORWARDING if any(name in _FORWARDING for name, _ in headers) else None


def client_of(
    peer: str, headers: Iterable[tuple[bytes, bytes]], trusts: Callable[[str], bool]
) -> tuple[str, str | None]:
    """Return the last untrusted hop; if it is unknown, return the peer and the name of the sighting."""
    if not trusts(peer):
        return peer, None
    lines = [value for name, value in headers if name == _FORWARDING[0]]
    line = (lines[0] if len(lines) == 1 else b",".join(lines)).decode("latin-1")
    hops = [hop for each in line.rsplit(",", _MAX_HOPS)[-_MAX_HOPS:] if (hop := each.strip())]
    for hop in reversed(hops):
        address = _hop(hop[:_MAX_LENGTH])
        if address is None:
            return peer, UNREADABLE_FORWARDING
        if not trusts(address):
            return address, None
    return peer, None if hops else NO_FORWARDING


def is_trusted(address: str, networks: Sequence[Network]) -> bool:
    """Return whether an address is in one of the networks of trusted proxies."""
    known = _address(address)
    return known is not None and any(known in network for network in networks)


@lru_cache(maxsize=1024)
def program_name(user_agent: str) -> str:
    """Return a browser and its system, for example "Firefox on Linux", never text from the client."""
    program = next((name for mark, name in _PROGRAMS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if program and system:
        return f"{program} on {system}"
    return program or (f"Browser on {system}" if system else "Unknown program")


@lru_cache(maxsize=1024)
def _canonical(peer: str) -> str:
    return str(_address(peer) or peer)


@lru_cache(maxsize=1024)
def _hop(text: str) -> str | None:
    """Return the address in an entry of X-Forwarded-For, or None."""
    match = _HOP.fullmatch(text)
    address = _address(match["v6"] or match["v4"] or match["bare"]) if match else None
    return str(address) if address else None


@lru_cache(maxsize=1024)
def _network(source: str) -> str:
    address = _address(source)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or source)


@lru_cache(maxsize=1024)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, or None; IPv4 addresses that are written as IPv6 become IPv4."""
    try:
        address = ip_address(text) if "%" not in text else None  # text after % could be anything
    except ValueError:
        return None
    return (_embedded(address) or address) if isinstance(address, IPv6Address) else address


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return a mapped IPv4 address, or one translated by NAT64, which must not be private (RFC 6052 3.1)."""
    if address in _NAT64:
        translated = IPv4Address(int(address) & 0xFFFF_FFFF)
        return None if any(translated in network for network in _PRIVATE) else translated
    return address.ipv4_mapped
