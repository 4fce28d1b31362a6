"""Host names and addresses, as the settings and couriers contain them."""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

_MAX_HOST_LENGTH = 253  # RFC 1035 2.3.4, without the trailing dot
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


def is_host(host: str) -> bool:
    """Return whether a text is a host name or an IP address in canonical form."""
    if ":" in host or re.fullmatch(r"(.*\.)?[0-9]+", host):  # browsers read a host that ends in a number as IPv4
        try:
            return "%" not in host and str(ip_address(host)) == host
        except ValueError:
            return False
    return len(host) <= _MAX_HOST_LENGTH and re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", host) is not None


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: 127.0.0.0/8, ::1, localhost or *.localhost."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def host_of(url: str) -> str:
    """Return the host of an address from `base_url`, without port and brackets."""
    return urlsplit(url).hostname or ""


def site_name_of(url: str) -> str:
    """Return the host of the public address as a site name."""
    host = host_of(url)
    return "localhost" if host == "::1" else host.replace(":", "-")[:64]
