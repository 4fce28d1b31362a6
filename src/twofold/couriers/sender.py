"""Send the messages in the outbox, after each commit and at regular intervals.

A message is claimed with a lease, sent outside any transaction, and settled. If the process stops in between, another
one sends the message after the lease: delivery is at least once, with the same id, so that providers can recognise it.
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
from twofold.base.outbox import PURPOSE, DeliveryStatus, Message, Outcome
from twofold.base.problems import Unavailable
from twofold.base.site import Site
from twofold.couriers import store
from twofold.couriers.channel import Channel
from twofold.couriers.contract import Delivery
from twofold.couriers.rules import retry_delay
from twofold.couriers.store import ClaimedMessage

_log = logging.getLogger("twofold.couriers")
_CONCURRENT = 4  # messages per channel sent at the same time
_POLL_INTERVAL = 10.0  # seconds, for messages of processes that stopped
_STATUS_INTERVAL = 0.5  # seconds between checks of a message that another process sends
_CLOSE_TIMEOUT = 2.0  # seconds for messages being sent when the service stops
_OUTCOMES = {"sent": Outcome.SENT, "refused": Outcome.REFUSED}


class Sender:
    """The sender of one process, on one event loop."""

    def __init__(self, site: Site, channels: Mapping[str, Channel]) -> None:
        self._site = site
        self._channels = channels
        self._woken = asyncio.Event()
        self._in_progress: dict[str, dict[str, asyncio.Task[None]]] = {channel: {} for channel in channels}
        self._backlogged: set[str] = set()  # channels where more messages may be due
        self._unsettled: dict[str, Callable[[Transaction], object]] = {}
        self._waiting: dict[str, set[asyncio.Future[Outcome]]] = defaultdict(set)
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start sending."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop claiming, wait briefly for messages being sent, and close the couriers."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        tasks = {task for in_progress in self._in_progress.values() for task in in_progress.values()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for channel in self._channels.values():
            await channel.close()

    def wake(self) -> None:
        """Check the outbox now."""
        self._woken.set()

    def health(self) -> dict[str, str]:
        """Return the health of every channel."""
        return {name: channel.health for name, channel in self._channels.items()}

    async def outcome(self, message_id: str, seconds: float) -> Outcome:
        """Wait at most `seconds` until a message is sent, refused, or tried once by every courier."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[message_id].add(future)
        try:
            async with asyncio.timeout(seconds):
                while not future.done():
                    outcome = await self._site.db.read(_outcome, message_id)
                    if outcome is not Outcome.WAITING:
                        return outcome
                    await asyncio.wait([future], timeout=_STATUS_INTERVAL)
                return future.result()
        except TimeoutError:
            return Outcome.WAITING
        finally:
            self._waiting[message_id].discard(future)
            if not self._waiting[message_id]:
                del self._waiting[message_id]

    # ------------------------------------------------------------------ the loop

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._settle_unsettled()
                await self._claim_due()
            except Unavailable:
                _log.warning("sending is waiting for the database")
            except Exception:  # noqa: BLE001 - the loop must continue after any failure
                _log.exception("reading the outbox failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_INTERVAL):  # wait_for of Python 3.11 may swallow a cancellation
                    await self._woken.wait()

    async def _claim_due(self) -> None:
        """Claim due messages, up to the limit per channel, and start sending them."""
        free = {channel: _CONCURRENT - len(tasks) for channel, tasks in self._in_progress.items()}
        claimed, expired = await self._site.db.write(_claim, free, self._site.clock())
        for message_id in expired:
            self._resolve(message_id, Outcome.REFUSED)
        counts = Counter(message.channel for message in claimed)
        self._backlogged = {channel for channel, limit in free.items() if counts[channel] >= limit}
        for message in claimed:
            in_progress = self._in_progress[message.channel]
            if message.id not in in_progress:  # a clock set forward makes our own lease seem expired
                in_progress[message.id] = asyncio.create_task(self._carry(message))
                in_progress[message.id].add_done_callback(partial(self._finished, message))

    def _finished(self, message: ClaimedMessage, _task: asyncio.Task[None]) -> None:
        del self._in_progress[message.channel][message.id]
        if message.channel in self._backlogged:
            self.wake()

    # ------------------------------------------------------------------ one message

    async def _carry(self, message: ClaimedMessage) -> None:
        spent = {int(index) for index in message.spent.split()}
        try:
            sealed = self._site.keys.unseal(PURPOSE, message.sealed, bound_to=message.id)
            delivery = Delivery(message.id, msgspec.json.decode(sealed, type=Message))
            until = time.monotonic() + message.expires_at - self._site.clock()
            delivery_status = await self._channels[message.channel].carry(delivery, spent, until)
        except (BrokenSealError, msgspec.MsgspecError):
            _log.exception("a message in the outbox cannot be read and is discarded")
            delivery_status = DeliveryStatus(Outcome.REFUSED)
        if delivery_status.outcome is Outcome.WAITING:
            wait = retry_delay(message.tries)
            asyncio.get_running_loop().call_later(wait, self.wake)
            indexes, next_at = " ".join(map(str, sorted(spent))), self._site.clock() + wait
            step = partial(store.postpone, message_id=message.id, next_at=next_at, spent=indexes)
        else:
            step = partial(
                store.settle,
                message_id=message.id,
                outcome=delivery_status.outcome.name.lower(),
                reason=delivery_status.reason,
            )
        await self._settle(message.id, step)
        self._resolve(message.id, delivery_status.outcome)

    async def _settle(self, message_id: str, step: Callable[[Transaction], object]) -> None:
        """Record the result; in memory while the database is unavailable."""
        try:
            await self._site.db.write(step)  # type: ignore[arg-type]
        except Unavailable:
            self._unsettled[message_id] = step

    async def _settle_unsettled(self) -> None:
        """Record earlier results before claiming, so that no message is sent twice."""
        for message_id, step in list(self._unsettled.items()):
            await self._site.db.write(step)  # type: ignore[arg-type]
            del self._unsettled[message_id]

    def _resolve(self, message_id: str, outcome: Outcome) -> None:
        for future in self._waiting.get(message_id, ()):
            if not future.done():
                future.set_result(outcome)


async def _claim(tx: Transaction, free: Mapping[str, int], now: int) -> tuple[list[ClaimedMessage], list[str]]:
    expired = await store.expire(tx, now)
    claimed = [
        message for channel, limit in free.items() if limit for message in await store.claim(tx, channel, limit, now)
    ]
    return claimed, expired


async def _outcome(tx: Transaction, message_id: str) -> Outcome:
    row = await tx.one("SELECT outcome FROM outbox WHERE id = :id", id=message_id)
    return Outcome.REFUSED if row is None else _OUTCOMES.get(row["outcome"] or "", Outcome.WAITING)
