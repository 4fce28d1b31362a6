"""The one clock. Rules never read it: they are told the time."""

import time
from collections.abc import Callable

Clock = Callable[[], int]


def now() -> int:
    """Seconds since 1970-01-01 00:00 UTC, whole."""
    return int(time.time())


def rfc3339(seconds: int) -> str:
    """Write epoch seconds as RFC 3339 in UTC, for example `2026-11-23T14:35:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))  # a third of the time that `datetime` takes
