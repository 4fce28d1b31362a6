"""Retry delays, the circuit breaker, and the health of a channel."""

from collections.abc import Iterable

ROUND = 8.0  # seconds for trying every courier of a channel once
LEASE = 30  # seconds until a message is tried again after its process stopped
_FIRST_DELAY, _MAX_DELAY = 2, 900  # seconds
_FAILURES_UNTIL_DOWN = 3  # failures in a row
_FIRST_PAUSE, _MAX_PAUSE = 15.0, 300.0  # seconds


def retry_delay(tries: int) -> int:
    """Return the seconds to wait after this many rounds; they double each time."""
    return min(_FIRST_DELAY << min(tries - 1, 16), _MAX_DELAY)


class Breaker:
    """A circuit breaker: pauses a courier after several failures in a row, then tries one message."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause = _FIRST_PAUSE
        self._paused_until = float("-inf")
        self._probing = False

    @property
    def down(self) -> bool:
        """Whether the courier counts as down, until it accepts a message again."""
        return self._failures >= _FAILURES_UNTIL_DOWN

    def permits(self, now: float) -> bool:
        """Return whether a message may be tried at `now` (monotonic); one at a time if the courier is down."""
        if not self.down:
            return True
        if self._probing or now < self._paused_until:
            return False
        self._probing = True
        return True

    def record_success(self) -> None:
        """Record an answer of the courier."""
        self._failures, self._pause, self._probing = 0, _FIRST_PAUSE, False

    def record_failure(self, now: float) -> None:
        """Record a failure of the courier."""
        self._failures += 1
        if self._probing:
            self._pause, self._probing = min(self._pause * 2, _MAX_PAUSE), False
        self._paused_until = now + self._pause  # ignored until it counts as down


def health(breakers: Iterable[Breaker]) -> str:
    """Return `ok`, `degraded` if some couriers of a channel are down, or `fail` if all are."""
    down = [breaker.down for breaker in breakers]
    if not any(down):
        return "ok"
    return "fail" if all(down) else "degraded"
