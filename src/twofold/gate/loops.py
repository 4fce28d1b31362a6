"""Notice browsers that go in circles between an application and us.

The counts are in memory, bounded, and made only from what we have sealed or issued ourselves.
"""

from collections import OrderedDict, deque

_REMEMBERED = 10_000  # keys
_WITHIN = 60  # seconds


class _Counter:
    """How often something has happened lately, for each key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: OrderedDict[str, deque[int]] = OrderedDict()

    def is_one_too_many(self, key: str, now: int) -> bool:
        """Count once more; return whether it was too often within a minute."""
        if self.is_exhausted(key, now):
            return True
        self._times.setdefault(key, deque(maxlen=self._most)).append(now)
        self._times.move_to_end(key)
        if len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)
        return False

    def is_exhausted(self, key: str, now: int) -> bool:
        """Return whether once more would be too often."""
        times = self._times.get(key)
        return times is not None and len(times) == self._most and 0 <= now - times[0] < _WITHIN


class RecentArrivals(_Counter):
    """How many tickets a browser, by its nonce, has spent at an application without being in already.

    A browser that does not keep our cookie, or nodes whose clocks differ, would go on forever.
    """

    def __init__(self) -> None:
        super().__init__(most=20)  # a browser may restore many tabs at once


class StaleStates(_Counter):
    """How often the same state has come too late. Each bounce has another one, so something repeats an old answer.

    Browsers follow 20 redirects at most, which are ten such circles, and show an error of their own then.
    """

    def __init__(self) -> None:
        super().__init__(most=5)
