"""Create, check and consume sent codes. Only a keyed hash is stored, bound to the request of the code."""

import secrets
from collections.abc import Sequence

from twofold.accounts import store as accounts
from twofold.accounts.consequences import Act
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.languages import speaking
from twofold.base.outbox import Reason, delivery_status, post, withdraw
from twofold.base.problems import Problem
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors import store as factors_store
from twofold.factors.contract import Accepted, Factor, Refused, Request, Verdict, Weight
from twofold.factors.phone.codes import rules, store
from twofold.factors.phone.codes.rules import SentCode, SentCodeUsed, WrongSentCode
from twofold.factors.phone.contract import PhoneKind
from twofold.factors.phone.numbers import read_number
from twofold.factors.phone.sendlimits import actions as sendlimits

_PURPOSE = "sent-code"  # of the hash keys


async def send(uow: UnitOfWork, kind: PhoneKind, factor: Factor, request: Request) -> SentCode | Problem:
    """Post a new code to a phone; the previous one expires, and is withdrawn if it has not been sent yet.

    Return the refusal if a limit on sending is reached. Raise Unavailable if the number cannot be opened.
    """
    number = kind.number(factor)
    before = await store.find(uow.tx, factor.account_id, request.purpose)
    await _record_delivery_report(uow, kind, factor, before)
    binds = factor.id if factor.verified_at is None else None
    resend_at = await sendlimits.permit(uow, factor.account_id, read_number(number), kind.kind, binds=binds)
    if isinstance(resend_at, Problem):
        await audit.record_cheap_refusal(uow, Event.CODE_SENT, factor.account_id, reason=resend_at.code, kind=kind.kind)
        return resend_at
    if before is not None:
        await withdraw(uow, before.message_id)
    code, expires_at = f"{secrets.randbelow(1_000_000):06}", uow.now + rules.CODE_LIFETIME
    with speaking(uow, await accounts.locale_of(uow.tx, factor.account_id)):
        message = kind.code_message(number, code)
    sent = SentCode(
        account_id=factor.account_id,
        factor_id=factor.id,
        request=request.id,
        code_hash=uow.site.keys.mac(_PURPOSE, rules.bound(factor.account_id, request, factor.id, code)),
        message_id=await post(uow, message, expires_at=expires_at),
        resend_at=resend_at,
        expires_at=expires_at,
        used_at=None,
    )
    await store.replace(uow.tx, request.purpose, sent)
    await audit.record(uow, Event.CODE_SENT, factor.account_id, factor=factor.id, kind=kind.kind, name=factor.name)
    return sent


async def _record_delivery_report(uow: UnitOfWork, kind: PhoneKind, factor: Factor, before: SentCode | None) -> None:
    """Record what a courier reported about the previous message, possibly minutes after it accepted it."""
    if before is None or before.factor_id != factor.id:
        return
    if (await delivery_status(uow, before.message_id)).reason is Reason.CANNOT_TAKE_TEXTS:
        await sendlimits.unreachable(uow, kind.number(factor), "sms")


async def last(uow: UnitOfWork, account_id: str, request: Request) -> SentCode | None:
    """Return the last code sent for this request."""
    sent = await store.find(uow.tx, account_id, request.purpose)
    return sent if sent is not None and sent.is_for(request) else None


async def check(uow: UnitOfWork, kind: PhoneKind, factors: Sequence[Factor], code: str, request: Request) -> Verdict:
    """Check a code against these phones of an account, and use it up if correct. Of concurrent tries, one succeeds."""
    account_id = factors[0].account_id
    sent = await last(uow, account_id, request)
    factor = next((each for each in factors if sent is not None and each.id == sent.factor_id), None)
    if sent is None or factor is None:
        return Refused(WrongSentCode)
    bound = rules.bound(account_id, request, factor.id, code)
    if not uow.site.keys.recognises(_PURPOSE, bound, sent.code_hash) or not sent.is_valid(uow.now):
        return Refused(WrongSentCode, Weight.CHALLENGED)
    number = kind.number(factor)  # opened before anything is used up, because that can fail
    if not await store.consume(uow.tx, account_id, request.purpose, sent.code_hash, uow.now):
        return Refused(SentCodeUsed, Weight.USED)
    await sendlimits.used(uow, account_id, number)
    await factors_store.record_use(uow.tx, account_id, factor.id, uow.now)
    return Accepted(factor)


async def end_codes(uow: UnitOfWork, act: Act) -> None:
    """Delete the codes for an account's phones; those that have not been sent yet are withdrawn."""
    for message_id in await store.delete_all(uow.tx, act.account_id):
        await withdraw(uow, message_id)
