"""What a kind of phone factor adds to the contract of factors."""

from typing import ClassVar, Protocol

from twofold.base.outbox import Message
from twofold.factors.contract import Factor


class PhoneKind(Protocol):
    """A kind whose codes are created here and sent to a phone number."""

    kind: ClassVar[str]

    def number(self, factor: Factor) -> str:
        """Return the number (E.164). Raise Unavailable if it cannot be opened."""

    def code_message(self, number: str, code: str) -> Message:
        """Return the message with a code to a number."""

    def removal_notice(self, number: str) -> Message:
        """Return the message to a number that is no longer used."""
