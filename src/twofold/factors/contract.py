"""What a kind of factor must do. Everybody but `rooms.py` sees factors through this contract.

A factor gives codes in one of two ways: an app computes them, and its kind checks them by itself (`AppKind`); or they
are made here and sent to a phone, and its kind says what is sent and by what (`PhoneKind`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from twofold.base.acts import Act
from twofold.base.outbox import Message


class Factor(msgspec.Struct, frozen=True):
    """An enrolled factor; `last_step` is the highest time step accepted, times are epoch seconds."""

    id: str
    account_id: str
    kind: str
    name: str
    sealed: bytes
    last_step: int
    tries: int
    replaces: str | None
    created_at: int
    expires_at: int | None
    verified_at: int | None
    last_used_at: int | None


class Right(msgspec.Struct, frozen=True):
    """The code is right; it belongs to this time step and is spent by being accepted."""

    step: int


class RightSent(msgspec.Struct, frozen=True):
    """The code is the one that was sent last; `code_hash` is what it is known by, and used up by."""

    code_hash: str


class Used(msgspec.Struct, frozen=True):
    """The code was right, but it or a later one has been accepted before; `sent` tells that it came to a phone."""

    sent: bool = False


class ClockOff(msgspec.Struct, frozen=True):
    """The code belongs to another time; positive minutes when the phone's clock is ahead."""

    minutes: int


class Wrong(msgspec.Struct, frozen=True):
    """The code is not of this factor; `sent` tells that one was to come to a phone."""

    sent: bool = False


Verdict = Right | RightSent | Used | ClockOff | Wrong


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new factor's sealed state, and what its owner needs to set it up; never stored, never logged."""

    sealed: bytes
    offer: Mapping[str, Any]


class Kind(Protocol):
    """One kind of factor."""

    kind: str
    default_name: str  # of a factor whose owner gives it none

    def hint(self, factor: Factor) -> str:
        """Tell which device the factor is, beside its name, without telling a secret."""


class AppKind(Kind, Protocol):
    """A kind whose codes are computed by an app from a secret that both sides know."""

    templates: str  # folder of `enrol.html` and `verify.html`

    def enrol(self, *, factor_id: str, account_id: str, email: str, name: str, is_first: bool) -> Enrolment:
        """Make the secret of a new factor and what its owner needs to set it up."""

    def offer(self, factor: Factor, *, email: str, is_first: bool) -> Mapping[str, Any]:
        """Show an unverified factor's set-up again. Raises Unavailable when its secret cannot be opened."""

    def show(self, offer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add to an offer what takes long to draw; never called inside a transaction."""

    def check(self, factor: Factor, code: str, now: int, *, explain_ahead: bool) -> Verdict:
        """Judge six digits; `explain_ahead` tells also of a clock that runs fast. Raises Unavailable as `offer`."""


@dataclass(frozen=True, slots=True)
class PhoneTexts:
    """What pages say of a kind that sends codes, marked for translation; `{digits}` are the last two of the number."""

    title: str
    add: str
    way: str
    sent: str
    again: str
    instead: str
    cost: str


class PhoneKind(Kind, Protocol):
    """A kind whose codes are made here and sent to a phone number."""

    texts: PhoneTexts

    def seal(self, number: str, *, factor_id: str, account_id: str) -> bytes:
        """Seal a number (E.164) for the row of its factor."""

    def number(self, factor: Factor) -> str:
        """Give the number (E.164). Raises Unavailable when it cannot be opened."""

    def code_message(self, number: str, code: str) -> Message:
        """Write what carries a code to a number."""

    def farewell(self, number: str) -> Message:
        """Write what tells the holder of a number that it is no longer used."""


class RecoveryCodes(Protocol):
    """The one code that lets its owner in when every factor is lost."""

    async def issue(self, act: Act, account_id: str) -> str:
        """Make a new code, shown once; the old one is dead."""

    def check_form(self, text: str) -> None:
        """Raise InvalidRequest for what cannot be such a code: typing too little is no guess, and costs no try."""

    async def spend(self, act: Act, account_id: str, text: str) -> bool:
        """Use the code up; tells whether it was right. Only one of many tries at once succeeds."""

    async def revoke(self, act: Act, account_id: str) -> None:
        """Kill the code."""

    async def created_at(self, act: Act, account_id: str) -> int | None:
        """When the living code was made (epoch seconds)."""

    async def is_saved(self, act: Act, account_id: str) -> bool:
        """Tell whether its owner said that it is saved."""

    async def confirm_saved(self, act: Act, account_id: str) -> None:
        """Note that its owner has saved it."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of factors that this server offers, each group in menu order, and the recovery code."""

    apps: tuple[AppKind, ...]
    phones: tuple[PhoneKind, ...]
    recovery: RecoveryCodes

    def of(self, kind: str) -> Kind | None:
        """Find a kind by its name."""
        return self.app(kind) or self.phone(kind)

    def app(self, kind: str) -> AppKind | None:
        """Find a kind whose codes an app computes."""
        return next((known for known in self.apps if known.kind == kind), None)

    def phone(self, kind: str) -> PhoneKind | None:
        """Find a kind whose codes are sent to a phone."""
        return next((known for known in self.phones if known.kind == kind), None)
