"""The interface of a courier driver, and its three kinds of failure."""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

from twofold.base.clock import Clock
from twofold.base.outbox import Message, Reason
from twofold.config import Config
from twofold.couriers.addresses import Address

_MAX_MESSAGES = 200  # messages in the development mailbox


class Refused(Exception):
    """The provider rejected this message permanently; `reason` says why, if it is known."""

    def __init__(self, text: str, reason: Reason | None = None) -> None:
        super().__init__(text)
        self.reason = reason


class Failed(Exception):
    """The provider did not accept the message, but may accept it later. The text is for logs and contains no secret.

    `available`: the provider works, and only this message has to wait. Otherwise a crafted message could make a
    working courier count as down.
    """

    def __init__(self, text: str = "", *, available: bool = False) -> None:
        super().__init__(text)
        self.available = available


class Doubtful(Exception):
    """No answer arrived, so the provider may have accepted the message."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message with the id that every attempt to send it uses."""

    id: str
    message: Message


@dataclass(frozen=True, slots=True)
class MailboxMessage:
    """A message in the development mailbox; `at` is RFC 3339."""

    channel: str
    to: str
    subject: str | None
    text: str
    at: str


class Mailbox:
    """The messages that `console:` accepted in this process, oldest first."""

    def __init__(self) -> None:
        self.messages: deque[MailboxMessage] = deque(maxlen=_MAX_MESSAGES)


@dataclass(frozen=True, slots=True)
class DriverContext:
    """What a driver may use in addition to its address."""

    config: Config
    clock: Clock
    mailbox: Mailbox = field(default_factory=Mailbox)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check: the rest of a sentence that begins with the courier, and whether all is well."""

    text: str = "answers."
    ok: bool = True


class Driver(ABC):
    """A courier, created at start from its address; drivers import large libraries with the first message."""

    schemes: ClassVar[tuple[str, ...]]  # the beginnings of its addresses
    channels: ClassVar[tuple[str, ...]]  # of mail, sms and voice
    form: ClassVar[str]  # the form of its address
    repeatable: ClassVar[bool]  # whether the provider recognises a repeated id, so that trying again is safe

    @abstractmethod
    def __init__(self, address: Address, channel: str, context: DriverContext) -> None:
        """Parse an address for a channel. Raise InvalidSetting with the correct form."""

    @abstractmethod
    async def carry(self, delivery: Delivery) -> None:
        """Send a message; the caller sets the timeout. Raise Refused, Failed or Doubtful."""

    @abstractmethod
    async def check(self) -> CheckResult:
        """Check, without a message, that the provider is reachable and accepts our credentials. Raise Failed if not."""

    async def close(self) -> None:  # noqa: B027 - most drivers have no connections
        """Close connections."""
