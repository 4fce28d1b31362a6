"""Carries what lies in the outbox: woken after a commit, looking by itself now and then for what others left.

A message is claimed with a lease, sent outside of any transaction, and noted. Whoever dies between leaves it to the
next, after the lease: it is sent at least once, and with the same id each time, so that the other side can tell.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import msgspec

from twofold.base.database import Transaction
from twofold.base.keys import BrokenSealError
from twofold.base.outbox import PURPOSE, Fate, Message, Outcome
from twofold.base.problems import Unavailable
from twofold.base.site import Site
from twofold.couriers import store
from twofold.couriers.contract import Parcel
from twofold.couriers.line import Line
from twofold.couriers.rules import wait_after
from twofold.couriers.store import Waiting

_log = logging.getLogger("twofold.couriers")
_AT_ONCE = 4  # messages of a channel under way together
_LOOK_EVERY = 10.0  # seconds, for what a dead process or another one left
_ASK_EVERY = 0.5  # seconds between two looks at a message that another process sends
_LEAVE_WITHIN = 2.0  # seconds for what is under way when the service stops
_ENDED = {"sent": Outcome.SENT, "refused": Outcome.REFUSED}


class Sender:
    """The sender of one process, on one event loop. Lines are kept by channel."""

    def __init__(self, site: Site, lines: Mapping[str, Line]) -> None:
        self._site = site
        self._lines = lines
        self._woken = asyncio.Event()
        self._under_way: dict[str, dict[str, asyncio.Task[None]]] = {channel: {} for channel in lines}
        self._crowded: set[str] = set()  # channels where more may wait than there was room for
        self._unnoted: dict[str, Callable[[Transaction], object]] = {}
        self._waiting: dict[str, set[asyncio.Future[Outcome]]] = defaultdict(set)
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Claim no more, leave what is under way a moment, and let go."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        tasks = {task for under_way in self._under_way.values() for task in under_way.values()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_LEAVE_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for line in self._lines.values():
            await line.close()

    def wake(self) -> None:
        """Look at once."""
        self._woken.set()

    def health(self) -> dict[str, str]:
        """Name the health of every channel."""
        return {channel: line.health for channel, line in self._lines.items()}

    async def outcome(self, message_id: str, within: float) -> Outcome:
        """Wait until a message is sent or refused, or every courier was tried once, at most so many seconds."""
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[message_id].add(told)
        try:
            async with asyncio.timeout(within):
                while not told.done():
                    found = await self._site.db.read(_outcome, message_id)
                    if found is not Outcome.WAITING:
                        return found
                    await asyncio.wait([told], timeout=_ASK_EVERY)
                return told.result()
        except TimeoutError:
            return Outcome.WAITING
        finally:
            self._waiting[message_id].discard(told)
            if not self._waiting[message_id]:
                del self._waiting[message_id]

    # ------------------------------------------------------------------ the loop

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._note_the_unnoted()
                await self._look()
            except Unavailable:
                _log.warning("couriers wait until the database is back")
            except Exception:  # noqa: BLE001 - whatever it is, the next look is taken
                _log.exception("looking into the outbox failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):  # wait_for of Python 3.11 may swallow the end of this task
                    await self._woken.wait()

    async def _look(self) -> None:
        """Claim what is due, as much as there is room for, and set it on its way."""
        free = {channel: _AT_ONCE - len(tasks) for channel, tasks in self._under_way.items()}
        claimed, expired = await self._site.db.write(_claim, free, self._site.clock())
        for message_id in expired:
            self._tell(message_id, Outcome.REFUSED)
        got = Counter(waiting.channel for waiting in claimed)
        self._crowded = {channel for channel, most in free.items() if got[channel] >= most}
        for waiting in claimed:
            under_way = self._under_way[waiting.channel]
            if waiting.id not in under_way:  # the clock was put forward, and our own lease seemed over
                under_way[waiting.id] = asyncio.create_task(self._carry(waiting))
                under_way[waiting.id].add_done_callback(partial(self._arrived, waiting))

    def _arrived(self, waiting: Waiting, _task: asyncio.Task[None]) -> None:
        del self._under_way[waiting.channel][waiting.id]
        if waiting.channel in self._crowded:
            self.wake()

    # ------------------------------------------------------------------ one message

    async def _carry(self, waiting: Waiting) -> None:
        spent = {int(place) for place in waiting.spent.split()}
        try:
            sealed = self._site.keys.unseal(PURPOSE, waiting.sealed, bound_to=waiting.id)
            parcel = Parcel(waiting.id, msgspec.json.decode(sealed, type=Message))
            until = time.monotonic() + waiting.expires_at - self._site.clock()
            fate = await self._lines[waiting.channel].carry(parcel, spent, until)
        except (BrokenSealError, msgspec.MsgspecError):
            _log.exception("a waiting message cannot be read and is given up")
            fate = Fate(Outcome.REFUSED)
        if fate.outcome is Outcome.WAITING:
            wait = wait_after(waiting.tries)
            asyncio.get_running_loop().call_later(wait, self.wake)
            places, next_at = " ".join(map(str, sorted(spent))), self._site.clock() + wait
            step = partial(store.postpone, message_id=waiting.id, next_at=next_at, spent=places)
        else:
            step = partial(store.settle, message_id=waiting.id, outcome=fate.outcome.name.lower(), reason=fate.reason)
        await self._note(waiting.id, step)
        self._tell(waiting.id, fate.outcome)

    async def _note(self, message_id: str, step: Callable[[Transaction], object]) -> None:
        """Note how it went; while the database is away, in memory."""
        try:
            await self._site.db.write(step)  # type: ignore[arg-type]
        except Unavailable:
            self._unnoted[message_id] = step

    async def _note_the_unnoted(self) -> None:
        """Catch up before anything is claimed, or this process would send again what it has sent."""
        for message_id, step in list(self._unnoted.items()):
            await self._site.db.write(step)  # type: ignore[arg-type]
            del self._unnoted[message_id]

    def _tell(self, message_id: str, outcome: Outcome) -> None:
        for told in self._waiting.get(message_id, ()):
            if not told.done():
                told.set_result(outcome)


async def _claim(tx: Transaction, free: Mapping[str, int], now: int) -> tuple[list[Waiting], list[str]]:
    expired = await store.expire(tx, now)
    claimed = [
        waiting for channel, most in free.items() if most for waiting in await store.claim(tx, channel, most, now)
    ]
    return claimed, expired


async def _outcome(tx: Transaction, message_id: str) -> Outcome:
    row = await tx.one("SELECT outcome FROM outbox WHERE id = :id", id=message_id)
    return Outcome.REFUSED if row is None else _ENDED.get(row["outcome"] or "", Outcome.WAITING)
