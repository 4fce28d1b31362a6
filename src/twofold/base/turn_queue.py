"""The queue for hashing: round robin over sources, then over the accounts of a source, with a limited wait.

A client network is two sources: its unknown and its known browsers. So it gets at most two turns in each round, however
many accounts it has.

Pure: no clock and no I/O. `now` is in seconds of any monotonic clock.
"""

import math
from collections import Counter, OrderedDict, deque
from typing import TypeVar

T = TypeVar("T")

MAX_WAIT = 12.0  # seconds until a turn must begin
MAX_WAITING = 512  # half of a server's connections, so that pages stay available
_FIRST_GUESS = 0.05  # seconds per turn, until one has been measured
_WEIGHT = 1 / 32  # of the latest turn in the average


class Turn:
    """A turn of an action that needs hashes."""

    __slots__ = ("account", "begun_at", "known", "network", "number")

    def __init__(self, network: str, account: str, *, known: bool = False) -> None:
        """Create a turn; `known` says whether the account knows the browser."""
        self.network = network
        self.account = account
        self.known = known
        self.number = 0  # by order of arrival
        self.begun_at: float | None = None

    @property
    def source(self) -> tuple[str, bool]:
        """The source of the turn: a network, and whether its browser is known."""
        return self.network, self.known


class TurnQueue:
    """Running turns, at most `slots` at once, and waiting ones."""

    def __init__(self, slots: int, *, max_wait: float = MAX_WAIT, max_waiting: int = MAX_WAITING) -> None:
        self._slots = slots
        self._max_wait = max_wait
        self._max_waiting = max_waiting
        self._mean = _FIRST_GUESS
        self._arrivals = 0
        self._running: set[Turn] = set()
        self._rotation: OrderedDict[tuple[str, bool], _Source] = OrderedDict()  # the first one has the next turn
        self._waiting = 0
        self._by_network: Counter[str] = Counter()
        self._by_account: Counter[tuple[str, bool]] = Counter()  # separately for unknown and known browsers

    @property
    def waiting(self) -> int:
        """The number of waiting turns."""
        return self._waiting

    @property
    def running(self) -> int:
        """The number of running turns."""
        return len(self._running)

    @property
    def capacity(self) -> int:
        """How many turns may wait so that all begin in time."""
        return max(self._slots, min(self._max_waiting, int(self._max_wait * self._slots / self._mean)))

    @property
    def drained_in(self) -> int:
        """An estimate of the seconds until all waiting turns have begun; at least one."""
        seconds = math.ceil(self._waiting * self._mean / self._slots)
        return min(max(seconds, 1), math.ceil(self._max_wait))

    def join(self, turn: Turn) -> Turn | None:
        """Add a turn; if the queue is full, return the turn that must leave, which may be this one."""
        self._arrivals += 1
        turn.number = self._arrivals
        self._rotation.setdefault(turn.source, _Source()).add(turn)
        self._count(turn, 1)
        if self._waiting <= self.capacity:
            return None
        newest = (source.newest() for source in self._rotation.values())
        leaving = max(newest, key=lambda each: self._weight(each, turn))
        self._remove(leaving)
        return leaving

    def begin(self, now: float) -> list[Turn]:
        """Begin as many turns as there are free slots, in order."""
        started = []
        while self._waiting and len(self._running) < self._slots:
            turn = self._next()
            turn.begun_at = now
            self._running.add(turn)
            started.append(turn)
        return started

    def leave(self, turn: Turn, now: float) -> None:
        """End a turn, or the wait for it; do nothing if it has already left."""
        if turn.begun_at is not None and turn in self._running:
            self._running.remove(turn)
            taken = min(now - turn.begun_at, self._max_wait)
            self._mean = max(self._mean + (taken - self._mean) * _WEIGHT, 0.001)
        elif turn.begun_at is None:
            self._remove(turn)

    def _weight(self, turn: Turn, newcomer: Turn) -> tuple[int, int, int, bool, bool]:
        """Order the turns that might leave: by the network, source and account with the most waiting turns.

        Among equals, unknown browsers leave before known ones, and the newcomer before others, so that a thousand
        sources cannot push each other out.
        """
        return (
            self._by_network[turn.network],
            self._rotation[turn.source].size,
            self._by_account[turn.account, turn.known],
            not turn.known,
            turn is newcomer,
        )

    def _count(self, turn: Turn, change: int) -> None:
        self._waiting += change
        _add(self._by_network, turn.network, change)
        _add(self._by_account, (turn.account, turn.known), change)

    def _next(self) -> Turn:
        name, source = next(iter(self._rotation.items()))
        turn = source.pop()
        self._count(turn, -1)
        if source.size:
            self._rotation.move_to_end(name)
        else:
            del self._rotation[name]
        return turn

    def _remove(self, turn: Turn) -> None:
        source = self._rotation.get(turn.source)
        if source is None or not source.remove(turn):
            return
        self._count(turn, -1)
        if not source.size:
            del self._rotation[turn.source]


class _Source:
    """The waiting turns of a source, by account."""

    __slots__ = ("_rotation", "size")

    def __init__(self) -> None:
        self._rotation: OrderedDict[str, deque[Turn]] = OrderedDict()  # the first one has the next turn
        self.size = 0

    def add(self, turn: Turn) -> None:
        """Add a turn behind those of its account."""
        self._rotation.setdefault(turn.account, deque()).append(turn)
        self.size += 1

    def pop(self) -> Turn:
        """Remove and return the next turn."""
        name, turns = next(iter(self._rotation.items()))
        turn = turns.popleft()
        self.size -= 1
        if turns:
            self._rotation.move_to_end(name)
        else:
            del self._rotation[name]
        return turn

    def newest(self) -> Turn:
        """Return the newest turn of the account with the most turns, which would wait longest."""
        return max(self._rotation.values(), key=lambda turns: (len(turns), turns[-1].number))[-1]

    def remove(self, turn: Turn) -> bool:
        """Remove a turn; return whether it was here."""
        turns = self._rotation.get(turn.account, deque())
        if turn not in turns:
            return False
        turns.remove(turn)
        self.size -= 1
        if not turns:
            del self._rotation[turn.account]
        return True


def _add(counter: Counter[T], key: T, change: int) -> None:
    """Change the counts of a turn, and delete those that become zero."""
    counter[key] += change
    if not counter[key]:
        del counter[key]
