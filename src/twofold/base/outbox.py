"""Messages that wait to be sent: written in the transaction of the deed, sent after its commit.

A message is sealed while it waits, and nothing of it is readable afterwards. Whoever posts one never waits for a
courier inside a transaction; `Carrier.outcome` tells afterwards how it went.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import partial
from random import SystemRandom

import msgspec

from twofold.base.acts import Act
from twofold.base.housekeeping import Over
from twofold.base.ids import new_id
from twofold.base.texts import locale

PURPOSE = "outbox"  # of the keys that seal
_MOMENT = (0.2, 1.2)  # seconds
_chance = SystemRandom()

OVER = Over("outbox", "id", "outcome IS NOT NULL AND expires_at <= :before", kept=86_400)


class Message(msgspec.Struct, frozen=True):
    """What a courier carries: `channel` is mail, sms or voice; `to` an address, or a number as E.164 writes it."""

    channel: str
    to: str
    text: str
    subject: str | None = None  # of a mail
    html: str | None = None  # of a mail
    locale: str = msgspec.field(default_factory=locale)  # of the language that it was written in


class Outcome(Enum):
    """How a message fares."""

    SENT = auto()  # a courier has taken it
    REFUSED = auto()  # nobody takes it, and it is not tried again
    WAITING = auto()  # it is still being tried


class Reason(StrEnum):
    """Why nobody takes a message, where more is known than that."""

    CANNOT_TAKE_TEXTS = "cannot_take_texts"  # a landline, for example
    OPTED_OUT = "opted_out"  # the person answered STOP
    NOT_SERVED = "not_served"  # the courier does not send to this country or number
    UNREACHABLE = "unreachable"  # no such number or mailbox, or it does not answer
    EXPIRED = "expired"  # no courier took it in time
    DOUBTFUL = "doubtful"  # a courier may have taken it: to try again could send it twice


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message."""

    outcome: Outcome
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """The part of the site that carries what lies in the outbox; the composition root puts in who does it.

    `wake` looks at once for what is to be sent, and is called after the commit. `outcome` waits at most so many seconds
    until the message of this id is sent or refused, or all couriers were tried once, and holds no thread and no
    connection meanwhile. `health` tells per channel `ok`, `degraded` (some couriers are down) or `fail`.
    """

    wake: Callable[[], None]
    outcome: Callable[[str, float], Awaitable[Outcome]]
    health: Callable[[], Mapping[str, str]] = dict


async def post(act: Act, message: Message, *, expires_at: int, unfelt: bool = False) -> str:
    """Put a message into the outbox, to be sent before `expires_at` (epoch seconds); gives its id.

    An `unfelt` one goes out a moment later: a stranger who measures the next answers does not feel whether there was
    anything to send.
    """
    message_id = new_id()
    sealed = act.site.keys.seal(PURPOSE, msgspec.json.encode(message), bound_to=message_id)
    await act.tx.run(
        """
        INSERT INTO outbox (id, channel, sealed, tries, created_at, next_at, expires_at)
        VALUES (:id, :channel, :sealed, 0, :now, :now, :expires_at)
        """,
        id=message_id,
        channel=message.channel,
        sealed=sealed,
        now=act.now,
        expires_at=expires_at,
    )
    wake = act.site.part(Carrier).wake
    act.afterwards.append(partial(_wake_unfelt, wake) if unfelt else wake)
    return message_id


def _wake_unfelt(wake: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(_chance.uniform(*_MOMENT), wake)


async def withdraw(act: Act, message_id: str) -> None:
    """Take a message back that has not been sent: what it says is no longer true."""
    await act.tx.run("DELETE FROM outbox WHERE id = :id AND sealed IS NOT NULL", id=message_id)


async def fate(act: Act, message_id: str) -> Fate:
    """Tell what became of a message; a courier may report a refusal minutes after it took the message.

    A message that is not there any more was withdrawn or is long over.
    """
    row = await act.tx.one("SELECT outcome, reason FROM outbox WHERE id = :id", id=message_id)
    if row is None:
        return Fate(Outcome.REFUSED)
    if row["outcome"] is None:
        return Fate(Outcome.WAITING)
    return Fate(Outcome[row["outcome"].upper()], Reason(row["reason"]) if row["reason"] else None)
