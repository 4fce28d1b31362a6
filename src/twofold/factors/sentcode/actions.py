"""Making, judging and using up sent codes. Only a keyed hash is stored, bound to what the code was asked for."""

import secrets

from twofold.accounts import store as accounts
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act
from twofold.base.languages import spoken
from twofold.base.outbox import Reason, fate, post, withdraw
from twofold.base.problems import Problem
from twofold.factors.contract import Factor, PhoneKind, Verdict, Wrong
from twofold.factors.numbers import read_number
from twofold.factors.sentcode import rules, store
from twofold.factors.sentcode.rules import LiveCode, Request
from twofold.factors.spending import actions as spending

_PURPOSE = "sent-code"  # of the keys that hash


async def send(act: Act, kind: PhoneKind, factor: Factor, request: Request) -> LiveCode | Problem:
    """Post a new code to a phone; the one before it is dead, and taken back if it still waits to be sent.

    Returns the refusal of the spending guard. Raises Unavailable when the number cannot be opened.
    """
    number = kind.number(factor)
    before = await store.find(act.tx, factor.account_id, request.purpose)
    await _learn(act, kind, factor, before)
    resend_at = await spending.permit(act, factor.account_id, read_number(number), kind.kind)
    if isinstance(resend_at, Problem):
        await audit.record_cheap_refusal(act, Event.CODE_SENT, factor.account_id, reason=resend_at.code, kind=kind.kind)
        return resend_at
    if before is not None:
        await withdraw(act, before.message_id)
    code, expires_at = f"{secrets.randbelow(1_000_000):06}", act.now + rules.LIFE
    with spoken(act, await accounts.locale_of(act.tx, factor.account_id)):
        message = kind.code_message(number, code)
    sent = LiveCode(
        account_id=factor.account_id,
        factor_id=factor.id,
        request=request.id,
        code_hash=act.site.keys.mac(_PURPOSE, rules.bound(factor.account_id, request, factor.id, code)),
        message_id=await post(act, message, expires_at=expires_at),
        resend_at=resend_at,
        expires_at=expires_at,
        used_at=None,
    )
    await store.replace(act.tx, request.purpose, sent)
    await audit.record(act, Event.CODE_SENT, factor.account_id, factor=factor.id, kind=kind.kind, name=factor.name)
    return sent


async def _learn(act: Act, kind: PhoneKind, factor: Factor, before: LiveCode | None) -> None:
    """Let the guard know what a courier reported of the message before, perhaps minutes after it took that."""
    if before is None or before.factor_id != factor.id:
        return
    if (await fate(act, before.message_id)).reason is Reason.CANNOT_TAKE_TEXTS:
        await spending.unreachable(act, kind.number(factor), "sms")


async def last(act: Act, account_id: str, request: Request) -> LiveCode | None:
    """Give the code that was sent last for this request."""
    sent = await store.find(act.tx, account_id, request.purpose)
    return sent if sent is not None and sent.is_for(request) else None


async def judge(act: Act, account_id: str, request: Request, code: str) -> tuple[str | None, Verdict]:
    """Tell what a code is worth for this request, and the id of the factor that it was sent to."""
    sent = await last(act, account_id, request)
    if sent is None:
        return None, Wrong(sent=True)
    given = rules.bound(account_id, request, sent.factor_id, code)
    right = act.site.keys.recognises(_PURPOSE, given, sent.code_hash)
    return sent.factor_id, rules.judge(sent, act.now, right=right)


async def spend(act: Act, kind: PhoneKind, factor: Factor, request: Request, code_hash: str) -> bool:
    """Use a code up; tells whether it was still good. Only one of many tries at once succeeds."""
    if not await store.spend(act.tx, factor.account_id, request.purpose, code_hash, act.now):
        return False
    await spending.used(act, factor.account_id, kind.number(factor))
    return True
