"""Who a request comes from: the peer's address, or what a trusted proxy says of it, and the program by its name.

Forwarding headers from anybody else are ignored. Programs are named from a fixed vocabulary, so that nothing a client
writes is ever shown.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

from twofold.base.acts import Origin
from twofold.base.languages import Languages
from twofold.config import Network

_MOST = 512  # characters looked at
_FORWARDING = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
_SAID = (b"user-agent", b"accept-language")
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


def origin_of(scope: Scope, trusted: Sequence[Network], languages: Languages) -> Origin:
    """Tell where a request comes from."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    source = _client(peer_of(scope), headers, trusted)
    said = {name: value[:_MOST].decode("latin-1") for name, value in headers if name in _SAID}
    agent, accepted = said.get(b"user-agent", ""), said.get(b"accept-language", "")
    return Origin(source, _network(source), program_name(agent), languages.preferred(accepted))


def peer_of(scope: Scope) -> str:
    """Give the address at the other end of the connection, without the name of an interface."""
    return str(scope["client"][0]).partition("%")[0] if scope.get("client") else ""


def forwards_untrusted(scope: Scope, trusted: Sequence[Network]) -> bool:
    """Tell whether a stranger sent forwarding headers, which are ignored."""
    return any(name in _FORWARDING for name, _ in scope["headers"]) and not _is_trusted(peer_of(scope), trusted)


@lru_cache(maxsize=1024)
def program_name(user_agent: str) -> str:
    """Name a browser and its system, for example "Firefox on Linux"; never repeats what the client wrote."""
    program = next((name for mark, name in _PROGRAMS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if program and system:
        return f"{program} on {system}"
    return program or (f"Browser on {system}" if system else "Unknown program")


def _client(peer: str, headers: Iterable[tuple[bytes, bytes]], trusted: Sequence[Network]) -> str:
    if not _is_trusted(peer, trusted):
        return peer
    lines = [value.decode("latin-1") for name, value in headers if name == _FORWARDING[0]]
    hops = [hop.strip() for line in lines for hop in line.split(",")]
    for hop in reversed(hops):
        if not _is_trusted(hop, trusted):
            return hop if _address(hop) else peer
    return peer


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    known = _address(address)
    return known is not None and any(known in network for network in trusted)


@lru_cache(maxsize=1024)
def _network(source: str) -> str:
    address = _address(source)
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address or source)


@lru_cache(maxsize=1024)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text) if "%" not in text else None  # what follows names an interface, or anything at all
    except ValueError:
        return None
