"""Messages that wait to be sent: written in the transaction of the deed, sent after its commit.

A message is sealed while it waits, and nothing of it is readable afterwards. Whoever posts one never waits for a
courier inside a transaction; `Courier.outcome` tells afterwards how it went.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

import msgspec

from twofold.base.acts import Act
from twofold.base.ids import new_id

PURPOSE = "outbox"  # of the keys that seal


@dataclass(frozen=True, slots=True)
class Message:
    """What a courier carries: `channel` is mail, sms or voice; `to` an address, or a number as E.164 writes it."""

    channel: str
    to: str
    text: str
    subject: str | None = None  # of a mail
    html: str | None = None  # of a mail
    locale: str = "en"


class Outcome(Enum):
    """How a message fares."""

    SENT = auto()  # a courier has taken it
    REFUSED = auto()  # nobody takes it, and it is not tried again
    WAITING = auto()  # it is still being tried


@dataclass(frozen=True, slots=True)
class Courier:
    """The part of the site that carries what lies in the outbox; the composition root puts in who does it.

    `wake` looks at once for what is to be sent, and is called after the commit. `outcome` waits at most so many seconds
    until the message of this id is sent or refused, and holds no thread and no connection meanwhile.
    """

    wake: Callable[[], None]
    outcome: Callable[[str, float], Awaitable[Outcome]]


async def post(act: Act, message: Message, *, expires_at: int) -> str:
    """Put a message into the outbox, to be sent before `expires_at` (epoch seconds); gives its id."""
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
    act.afterwards.append(act.site.part(Courier).wake)
    return message_id


async def withdraw(act: Act, message_id: str) -> None:
    """Take a message back that has not been sent: what it says is no longer true."""
    await act.tx.run("DELETE FROM outbox WHERE id = :id AND sealed IS NOT NULL", id=message_id)
