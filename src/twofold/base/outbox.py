"""The outbox: messages are written in the transaction of their action, and sent after its commit.

A message is encrypted until it is sent, and erased afterwards. Nothing waits for a courier inside a transaction;
`DeliveryPort.outcome` returns the result afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import partial
from random import SystemRandom

import msgspec

from twofold.base.housekeeping import Expiry
from twofold.base.ids import new_id
from twofold.base.texts import locale
from twofold.base.unit_of_work import UnitOfWork

PURPOSE = "outbox"  # of the encryption keys
_DELAY = (0.2, 1.2)  # seconds
_random = SystemRandom()

EXPIRY = Expiry("outbox", "id", "outcome IS NOT NULL AND expires_at <= :before", kept=86_400)


class Message(msgspec.Struct, frozen=True):
    """A message; `to` is an email address, or a number in E.164 form, depending on the channel."""

    channel: str
    to: str
    text: str
    subject: str | None = None  # of a mail
    html: str | None = None  # of a mail
    locale: str = msgspec.field(default_factory=locale)  # the language of its text


class Outcome(Enum):
    """The progress of a message."""

    SENT = auto()  # a courier accepted it
    REFUSED = auto()  # no courier accepts it, and it is not tried again
    WAITING = auto()  # it will be tried again


class Reason(StrEnum):
    """Why a message was refused, if it is known."""

    CANNOT_TAKE_TEXTS = "cannot_take_texts"  # a landline, for example
    OPTED_OUT = "opted_out"  # the user answered STOP
    NOT_SERVED = "not_served"  # the courier does not send to this country or number
    UNREACHABLE = "unreachable"  # no such number or mailbox, or it does not answer
    EXPIRED = "expired"  # no courier accepted it in time
    DOUBTFUL = "doubtful"  # a courier may have accepted it, so another attempt could send it twice


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """The outcome of a message, and its reason."""

    outcome: Outcome
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class DeliveryPort:
    """The interface to the sender of the outbox, set by the composition root.

    `wake` makes the sender check the outbox; call it after the commit. `outcome` waits at most the given seconds until
    a message is sent, refused, or tried once by all couriers, without holding a thread or connection. `health` returns
    `ok`, `degraded` (some couriers are down) or `fail` for each channel.
    """

    wake: Callable[[], None]
    outcome: Callable[[str, float], Awaitable[Outcome]]
    health: Callable[[], Mapping[str, str]] = dict


async def post(uow: UnitOfWork, message: Message, *, expires_at: int, delayed: bool = False) -> str:
    """Add a message to the outbox, to be sent before `expires_at` (epoch seconds); return its id.

    `delayed` messages go out 0.2 to 1.2 s later, so that response times do not reveal whether a mail was sent.
    """
    message_id = new_id()
    sealed = uow.site.keys.seal(PURPOSE, msgspec.json.encode(message), bound_to=message_id)
    uow.tx.later(
        """
        INSERT INTO outbox (id, channel, sealed, tries, created_at, next_at, expires_at)
        VALUES (:id, :channel, :sealed, 0, :now, :now, :expires_at)
        """,
        id=message_id,
        channel=message.channel,
        sealed=sealed,
        now=uow.now,
        expires_at=expires_at,
    )
    wake = uow.site.part(DeliveryPort).wake
    uow.afterwards.append(partial(_wake_delayed, wake) if delayed else wake)
    return message_id


def _wake_delayed(wake: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(_random.uniform(*_DELAY), wake)


async def withdraw(uow: UnitOfWork, message_id: str) -> None:
    """Delete a message that has not been sent and no longer applies."""
    uow.tx.later("DELETE FROM outbox WHERE id = :id AND sealed IS NOT NULL", id=message_id)


async def delivery_status(uow: UnitOfWork, message_id: str) -> DeliveryStatus:
    """Return the status of a message; a courier may report a refusal minutes after accepting it.

    A missing message was withdrawn or deleted after it expired.
    """
    row = await uow.tx.one("SELECT outcome, reason FROM outbox WHERE id = :id", id=message_id)
    if row is None:
        return DeliveryStatus(Outcome.REFUSED)
    if row["outcome"] is None:
        return DeliveryStatus(Outcome.WAITING)
    return DeliveryStatus(Outcome[row["outcome"].upper()], Reason(row["reason"]) if row["reason"] else None)
