"""What carries mails, text messages and calls, as it is written. What an address means is its driver's business.

Nothing shown of an address holds more than its kind and host.
"""

import re

CONSOLE = "console:"


def urls(text: str) -> tuple[str, ...]:
    """Read several addresses, in the order in which they are tried."""
    return tuple(dict.fromkeys(text.split()))


def shown(url: str) -> str:
    """Show which courier is meant, without names, passwords, paths or options."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return CONSOLE if url == CONSOLE else "…"
    return f"{scheme}{mark}{re.split('[/?#]', rest, maxsplit=1)[0].rpartition('@')[2]}"


def all_shown(urls: tuple[str, ...]) -> str:
    """Show several, as they are written."""
    return " ".join(map(shown, urls)) or "unset"
