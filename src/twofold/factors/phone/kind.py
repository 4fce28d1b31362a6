"""The common part of all phone factors: a sealed number, shown by its last two digits, and the codes sent to it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from twofold.accounts.consequences import Change
from twofold.base.keys import BrokenSealError, Keyring
from twofold.base.outbox import Message
from twofold.base.problems import Problem, Unavailable
from twofold.base.texts import N_, _
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.config import Config
from twofold.couriers.registry import channels
from twofold.factors.contract import (
    Challenge,
    Description,
    Enrolment,
    Factor,
    Kind,
    NewFactor,
    Request,
    Texts,
    Verdict,
    kinds,
)
from twofold.factors.phone import sending
from twofold.factors.phone.codes import actions as codes
from twofold.factors.phone.codes.rules import SentCode
from twofold.factors.phone.numbers import Number, check_takes, normal_number
from twofold.factors.rules import normal_code

_log = logging.getLogger("twofold")
_PURPOSE = "phone"  # the same for all kinds: the owner may switch to another kind during the enrolment
_SHOWN = 2  # digits


@dataclass(frozen=True, slots=True)
class PhoneTexts:
    """Texts about a kind of phone for pages, marked for translation; `{digits}` are the last two of the number."""

    title: str
    label: str
    sent: str
    again: str
    instead: str
    cost: str


def texts(*, label: str, about: str, add: str, icon: str) -> Texts:
    """Return the texts about a kind of phone; those that are not arguments are the same for each kind."""
    return Texts(
        label=label,
        about=about,
        add=add,
        full=N_("You have reached the limit for phone numbers. Remove one before you add another."),
        removal=N_("We will notify this number that it was removed."),
        lost=N_("Don't have your phone?"),
        found=N_("Have your phone after all?"),
        use=N_("Get a code on your phone"),
        icon=icon,
    )


class Phone(Kind):
    """A phone number as a factor."""

    group = "phone"
    default_name = N_("Phone")
    templates = "phone"
    details = ("phone", "country")
    details_at = "/settings/factors/new"
    sends = True
    change = Change.PHONE_BOUND
    messages: ClassVar[PhoneTexts]

    def __init__(self, config: Config, keys: Keyring) -> None:
        super().__init__(config, keys)
        self.offered = bool(channels(config)[self.kind])

    def code_message(self, number: str, code: str) -> Message:
        """Return the message with a code to a number."""
        raise NotImplementedError

    def removal_notice(self, number: str) -> Message:
        """Return the message to a number that is no longer used."""
        raise NotImplementedError

    def read_details(self, fields: Mapping[str, str | None]) -> Number:
        """Return the number; `country` gives its national form. Raise InvalidRequest or CountryNotServed."""
        countries, region = self.config.phone_countries, fields.get("country") or None
        number = normal_number(fields.get("phone") or "", countries=countries, region=region)
        check_takes(number, self.kind)
        return number

    def enrol(self, new: NewFactor) -> Enrolment:
        """Seal the number."""
        return Enrolment(self.seal(new.details.e164, factor_id=new.id, account_id=new.account_id))

    async def challenge(self, uow: UnitOfWork, factor: Factor, request: Request) -> Challenge | Problem:
        """Send a code to the number."""
        sent = await codes.send(uow, self, factor, request)
        return sent if isinstance(sent, Problem) else self._challenge(sent, uow.now)

    async def last_challenge(self, uow: UnitOfWork, factors: Sequence[Factor], request: Request) -> Challenge | None:
        """Return the last code sent, as a challenge."""
        sent = await codes.last(uow, factors[0].account_id, request)
        if sent is None:
            return None
        not_sent = await sending.why_not_sent(uow, sent.message_id) if sent.is_valid(uow.now) else None
        return self._challenge(sent, uow.now, not_sent)

    async def deliver(self, runner: Runner, challenge: Challenge) -> None:
        """Wait until a courier has accepted the message."""
        await sending.deliver(runner, self, challenge)

    def read_answer(self, fields: Mapping[str, Any]) -> str:
        """Return the six digits of a code."""
        return normal_code(fields["code"])

    async def check(self, uow: UnitOfWork, factors: Sequence[Factor], answer: str, request: Request) -> Verdict:
        """Compare six digits with the last code sent for this request."""
        return await codes.check(uow, self, factors, answer, request)

    def describe(self, factor: Factor) -> Description:
        """Return a description with the last two digits of the number."""
        digits, texts = self._hint(factor), self.messages
        label, sent = _(texts.label).format(digits=digits), _(texts.sent).format(digits=digits)
        return Description(label, digits, sent, _(texts.again))

    def export(self, factor: Factor) -> dict[str, str | None]:
        """Return the number, or None if it cannot be opened."""
        try:
            return {"phone": self.number(factor)}
        except Unavailable:
            return {"phone": None}

    async def on_removal(self, uow: UnitOfWork, factor: Factor, remaining: Sequence[Factor]) -> None:
        """Notify the number that it is no longer used."""
        groups = kinds(uow).groups(remaining)
        phones = [each for kind, members in groups if kind.group == self.group for each in members]
        await sending.notify_number_removed(uow, self, factor, phones)

    def seal(self, number: str, *, factor_id: str, account_id: str) -> bytes:
        """Seal a number (E.164) for the row of its factor."""
        return self.keys.seal(_PURPOSE, number.encode("ascii"), bound_to=f"{factor_id}:{account_id}")

    def number(self, factor: Factor) -> str:
        """Return the number (E.164). Raise Unavailable if it cannot be opened, as after the row was altered."""
        try:
            plain = self.keys.unseal(_PURPOSE, factor.sealed, bound_to=f"{factor.id}:{factor.account_id}")
        except BrokenSealError as error:
            _log.error("the number of factor %s cannot be opened: its row was altered, or its key is gone", factor.id)
            raise Unavailable from error
        return plain.decode("ascii")

    def _hint(self, factor: Factor) -> str:
        """Return the last two digits of the number, or nothing if it cannot be opened."""
        try:
            return self.number(factor)[-_SHOWN:]
        except Unavailable:
            return ""

    def _challenge(self, sent: SentCode, now: int, not_sent: str | None = None) -> Challenge:
        return Challenge(
            kind=self.kind,
            account_id=sent.account_id,
            factor_id=sent.factor_id,
            resend_at=sent.resend_at,
            expires_at=sent.expires_at,
            is_open=sent.used_at is None and sent.is_valid(now),
            not_sent=not_sent,
            reference=sent.message_id,
        )
