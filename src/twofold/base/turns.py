"""Wait for a turn to hash: at most 12 seconds, and only while the client is connected."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from twofold.base.problems import Busy, Unavailable
from twofold.base.turn_queue import MAX_WAIT, Turn, TurnQueue

ClientGone = Callable[[], Awaitable[object]]


class Turns(Protocol):
    """A source of turns, for one process or several."""

    def request(self, network: str, account: str, *, known: bool = False) -> "TurnRequest":
        """Join the queue; both names are hashed if they leave this process."""

    def leave(self, request: "TurnRequest") -> None:
        """End a turn, or the wait for it."""

    def close(self) -> None:
        """Grant no more turns."""


class TurnRequest:
    """A requested turn; `granted` fails with Busy if it cannot begin in time."""

    __slots__ = ("granted", "turn")

    def __init__(self, network: str, account: str, *, known: bool = False) -> None:
        self.turn = Turn(network, account, known=known)
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def grant(self) -> None:
        """Let the turn begin."""
        if not self.granted.done():
            self.granted.set_result(None)

    def refuse(self, wait: int) -> None:
        """Fail with Busy, since the turn cannot begin in time; `wait` is in seconds."""
        self.fail(Busy(wait))

    def fail(self, problem: Unavailable) -> None:
        """End the wait with a problem."""
        if not self.granted.done():
            self.granted.set_exception(problem)


class LocalTurns:
    """The turns of a single process."""

    def __init__(self, queue: TurnQueue) -> None:
        self._queue = queue
        self._requests: dict[Turn, TurnRequest] = {}

    def request(self, network: str, account: str, *, known: bool = False) -> TurnRequest:
        """Join the queue; another turn may have to leave."""
        request = TurnRequest(network, account, known=known)
        self._requests[request.turn] = request
        leaving = self._queue.join(request.turn)
        if leaving is not None:
            self._requests.pop(leaving).refuse(self._queue.drained_in)
        self._begin()
        return request

    def leave(self, request: TurnRequest) -> None:
        """End a turn, or the wait for it."""
        self._requests.pop(request.turn, None)
        self._queue.leave(request.turn, time.monotonic())
        self._begin()

    def close(self) -> None:
        """Refuse all waiting turns."""
        for request in self._requests.values():
            request.refuse(1)

    def _begin(self) -> None:
        for turn in self._queue.begin(time.monotonic()):
            self._requests[turn].grant()


@asynccontextmanager
async def turn(
    turns: Turns,
    network: str,
    account: str,
    gone: ClientGone | None,
    *,
    known: bool = False,
    max_wait: float = MAX_WAIT,
) -> AsyncIterator[bool]:
    """Wait for a turn, and hold it within the context, which receives whether it began at once.

    Raise Busy if it does not begin in time or the client disconnects (`gone`), Unavailable if there are no turns.
    """
    request = turns.request(network, account, known=known)
    at_once = request.granted.done()
    try:
        await _wait_until_granted(request, gone, max_wait)
        yield at_once
    finally:
        request.granted.cancel()
        turns.leave(request)


async def _wait_until_granted(request: TurnRequest, gone: ClientGone | None, max_wait: float) -> None:
    if not request.granted.done():
        leaving = asyncio.ensure_future(gone() if gone else asyncio.Event().wait())
        try:
            await asyncio.wait((request.granted, leaving), timeout=max_wait, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
    if not request.granted.done():
        raise Busy(int(max_wait))
    await request.granted


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def slots() -> int:
    """Return how many turns run at once: a few more than cores, to keep these busy while others write."""
    return cores() + (cores() + 1) // 2
