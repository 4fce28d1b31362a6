"""The addresses that `serve` listens on, and the check that no other program has them.

`localhost` is 127.0.0.1 and ::1, and browsers try either first. So the default is both: another program that listened
on one of them would get some of the requests, with their passwords.
"""

import errno
import socket
from collections.abc import Iterable

from twofold.cli.output import Failed

LOCALHOST = "localhost"
_IPV4, _IPV6 = "127.0.0.1", "::1"
_REACHED_BY_NAME = {LOCALHOST, _IPV4, _IPV6, "0.0.0.0", "::"}  # noqa: S104 - what an operator may have asked for


def addresses_of(host: str) -> tuple[str, ...]:
    """Return the addresses to listen on: for `localhost` 127.0.0.1 and, where there is one, ::1."""
    if host != LOCALHOST:
        return (host,)
    return (_IPV4, _IPV6) if _has_ipv6() else (_IPV4,)


def is_reached_by_name(host: str) -> bool:
    """Return whether a server on this host answers at `localhost`."""
    return host in _REACHED_BY_NAME


def refuse_taken(addresses: Iterable[str], port: int) -> None:
    """Raise Failed if another program has the port: Granian would share it with one of the same user."""
    for address in addresses:
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
        except (OSError, UnicodeError) as error:
            raise Failed(_refusal(address, port, error)) from error


def url_of(address: str, port: int) -> str:
    """Return the URL of an address."""
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def in_use(address: str, port: int) -> str:
    """Return the sentence for a port that another program has."""
    taken = f"Cannot listen on {address}, port {port}: another program uses this port."
    return f"{taken} Stop it, or choose another port with --port."


def _has_ipv6() -> bool:
    """Return whether this machine has ::1; IPv6 may be switched off."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((_IPV6, 0))
    except OSError:
        return False
    return True


def _refusal(address: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return in_use(address, port)
    reason = error.strerror if isinstance(error, OSError) else "no such host"
    return f"Cannot listen on {address}, port {port}: {reason}. Choose another with --host and --port."
