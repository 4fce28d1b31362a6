"""Read and display the addresses of couriers. Each driver interprets its own addresses.

Only the scheme and host of an address are ever displayed.
"""

import re

CONSOLE = "console:"


def urls(text: str) -> tuple[str, ...]:
    """Return the addresses in the order in which they are tried."""
    return tuple(dict.fromkeys(text.split()))


def shown(url: str) -> str:
    """Return the scheme and host of a courier, without user names, passwords, paths or options."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return CONSOLE if url == CONSOLE else "…"
    return f"{scheme}{mark}{re.split('[/?#]', rest, maxsplit=1)[0].rpartition('@')[2]}"


def all_shown(urls: tuple[str, ...]) -> str:
    """Return several couriers for display, separated by spaces."""
    return " ".join(map(shown, urls)) or "unset"
