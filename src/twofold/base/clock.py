"""The one clock. Rules never read it: they are told the time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]


def now() -> int:
    """Seconds since 1970-01-01 00:00 UTC, whole."""
    return int(time.time())


def rfc3339(seconds: int) -> str:
    """Write epoch seconds as RFC 3339 in UTC, for example `2026-11-23T14:35:00Z`."""
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}Z"  # twice as quick as strftime
