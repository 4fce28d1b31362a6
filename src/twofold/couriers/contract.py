"""What a courier's driver must do, and the three ways in which it can fail."""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

from twofold.base.clock import Clock
from twofold.base.outbox import Message, Reason
from twofold.config import Config
from twofold.couriers.addresses import Address

_MOST_SHOWN = 200  # messages that the development mailbox keeps


class Refused(Exception):
    """The other side will never take this message from us; `reason` says why where that is known."""

    def __init__(self, said: str, reason: Reason | None = None) -> None:
        super().__init__(said)
        self.reason = reason


class Failed(Exception):
    """The other side has not taken the message, and may take it later. The text is for logs and holds no secret.

    `alive`: it does its work, and only this message has to wait. Otherwise a message that somebody made up could make a
    good courier look as if it were down.
    """

    def __init__(self, said: str = "", *, alive: bool = False) -> None:
        super().__init__(said)
        self.alive = alive


class Doubtful(Exception):
    """Nobody knows whether the other side has taken the message: the answer did not come."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message on its way, under the id that every try carries."""

    id: str
    message: Message


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the development mailbox shows it; `at` is RFC 3339."""

    channel: str
    to: str
    subject: str | None
    text: str
    at: str


class Mailbox:
    """The messages of this process that `console:` took, oldest first."""

    def __init__(self) -> None:
        self.messages: deque[Shown] = deque(maxlen=_MOST_SHOWN)


@dataclass(frozen=True, slots=True)
class Around:
    """What a driver may use besides its address."""

    config: Config
    clock: Clock
    mailbox: Mailbox = field(default_factory=Mailbox)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a courier found: a sentence that goes on from its address, and whether all is well."""

    text: str = "answers."
    well: bool = True


class Driver(ABC):
    """One courier, made at the start from its address; what is heavy is loaded when the first message comes."""

    schemes: ClassVar[tuple[str, ...]]  # what its addresses begin with
    channels: ClassVar[tuple[str, ...]]  # what it carries: mail, sms, voice
    form: ClassVar[str]  # how its address is written
    repeatable: ClassVar[bool]  # whether trying the same id again does no harm, because the other side can tell

    @abstractmethod
    def __init__(self, address: Address, channel: str, around: Around) -> None:
        """Read an address for a channel, touching nothing. Raises config.units.Refused with what to write instead."""

    @abstractmethod
    async def carry(self, parcel: Parcel) -> None:
        """Hand a message over, within the time that its caller gives. Raises Refused, Failed, Doubtful."""

    @abstractmethod
    async def check(self) -> Look:
        """Look whether the other side is there and knows us, without sending anything. Raises Failed."""

    async def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of connections."""
