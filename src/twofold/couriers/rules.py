"""How long to wait between tries, when to leave a courier in peace, and what its health is called."""

from collections.abc import Iterable

ROUND = 8.0  # seconds in which every courier of a channel is tried once
LEASE = 30  # seconds: a message whose sender died is tried again after that long
_FIRST_WAIT, _LONGEST_WAIT = 2, 900  # seconds
_ENOUGH = 3  # failures in a row
_FIRST_REST, _LONGEST_REST = 15.0, 300.0  # seconds


def wait_after(tries: int) -> int:
    """Give the seconds to wait after so many rounds: they double."""
    return min(_FIRST_WAIT << min(tries - 1, 16), _LONGEST_WAIT)


class Breaker:
    """Leaves a courier in peace that failed some times in a row; after a rest, one message tries whether it is back."""

    def __init__(self) -> None:
        self._failures = 0
        self._rest = _FIRST_REST
        self._closed_until = float("-inf")
        self._probing = False

    @property
    def down(self) -> bool:
        """Whether it failed so often that it counts as down, until it takes a message again."""
        return self._failures >= _ENOUGH

    def lets_through(self, now: float) -> bool:
        """Tell whether a message may be tried at `now` (any steady clock); of a courier that is down, one at a time."""
        if not self.down:
            return True
        if self._probing or now < self._closed_until:
            return False
        self._probing = True
        return True

    def good(self) -> None:
        """The courier has answered."""
        self._failures, self._rest, self._probing = 0, _FIRST_REST, False

    def bad(self, now: float) -> None:
        """The courier has failed."""
        self._failures += 1
        if self._probing:
            self._rest, self._probing = min(self._rest * 2, _LONGEST_REST), False
        self._closed_until = now + self._rest  # counts from when it is down


def health(breakers: Iterable[Breaker]) -> str:
    """Name the health of a channel: `ok`, `degraded` while some of its couriers are down, `fail` while all are."""
    down = [breaker.down for breaker in breakers]
    if not any(down):
        return "ok"
    return "fail" if all(down) else "degraded"
