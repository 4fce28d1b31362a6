"""The clock. Rules never read it: they take the time as an argument."""

import time
from collections.abc import Callable
from functools import lru_cache

MAX_CLOCK_SKEW = 60  # seconds by which two clocks may differ, or one may be set back, without effect
Clock = Callable[[], int]


def now() -> int:
    """Return whole seconds since 1970-01-01 00:00 UTC."""
    return int(time.time())


def rfc3339(seconds: int) -> str:
    """Return epoch seconds as RFC 3339 in UTC, for example `2026-11-23T14:35:00Z`."""
    day, second = divmod(seconds, 86_400)
    return f"{_date(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


@lru_cache(maxsize=64)  # most times are of a few days; this is six times as fast as `datetime`
def _date(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86_400))


def rfc3339_or_none(seconds: int | None) -> str | None:
    """Return epoch seconds as RFC 3339, and None as it is."""
    return rfc3339(seconds) if seconds is not None else None
