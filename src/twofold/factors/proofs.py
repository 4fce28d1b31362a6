"""Checking a second factor, for every door alike: one tally per account whatever the method, the browser or the page.

Whoever calls holds the account to the transaction, so that tries of one account go one after another: no more are
compared than the limit allows, and one code is accepted once. Who never errs leaves no tally behind.
"""

from collections.abc import Sequence

from twofold.accounts.actions import count_against_source, source_key
from twofold.accounts.rules import Change
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import throttle
from twofold.base.acts import Act
from twofold.base.problems import Problem, TooManyAttempts, Unavailable
from twofold.base.throttle import Tally
from twofold.factors import store
from twofold.factors.contract import Factor, Kinds, Right, RightSent, Used, Verdict, Wrong
from twofold.factors.rules import FactorsClosed, WrongCode, WrongRecoveryCode, best, refusal
from twofold.factors.sentcode import actions as sentcode
from twofold.factors.sentcode.rules import Request
from twofold.sessions.actions import carry_out

_A_DAY = 86400


async def prove_code(
    act: Act, event: Event, account_id: str, code: str, request: Request, *, factor_id: str | None = None
) -> Factor | Problem:
    """Accept a code of one of the account's verified factors, once; gives the factor, or the counted refusal.

    `code` is six digits (`rules.normal_code`); one that was sent must have been sent for this `request`. Raises
    Unavailable when no factor's secret can be opened.
    """
    tally, refused = await _tally(act, account_id, in_a_row=True)
    if refused is not None:
        await audit.record_cheap_refusal(act, event, account_id, reason=refused.code)
        return refused
    two_factor = await store.two_factor(act.tx, account_id)
    asked = [factor for factor in two_factor.factors if factor_id in (None, factor.id)]
    judged = await _judge_all(act, account_id, asked, code, request)
    if asked and not judged:
        raise Unavailable
    factor, verdict = best(judged)
    if factor is not None and isinstance(verdict, Right | RightSent):
        if await spend(act, factor, verdict, request):
            await _forgive(act, account_id, tally)
            return factor
        verdict = Used(sent=isinstance(verdict, RightSent))
    return await _refuse(act, event, account_id, tally, verdict)


async def spend(act: Act, factor: Factor, verdict: Right | RightSent, request: Request) -> bool:
    """Use up the code that was found right; tells whether it was still good."""
    if isinstance(verdict, Right):
        return await store.spend(act.tx, factor.account_id, factor.id, verdict.step, act.now)
    kind = act.site.part(Kinds).phone(factor.kind)
    await store.note_use(act.tx, factor.account_id, factor.id, act.now)
    return kind is not None and await sentcode.spend(act, kind, factor, request, verdict.code_hash)


async def prove_recovery_code(
    act: Act, event: Event, account_id: str, text: str, *, session_id: str | None = None
) -> str | Problem:
    """Use up the recovery code; gives the new one, or the counted refusal. Trusted computers and sessions end."""
    tally, refused = await _tally(act, account_id, in_a_row=False)
    if refused is not None:
        await audit.record_cheap_refusal(act, event, account_id, reason=refused.code)
        return refused
    recovery = act.site.part(Kinds).recovery
    if not await recovery.spend(act, account_id, text):
        left = await _count(act, account_id, tally)
        await audit.record_refusal(act, event, account_id, reason=WrongRecoveryCode.code)
        return WrongRecoveryCode(attempts_left=left)
    await _forgive(act, account_id, tally)
    await audit.record(act, Event.RECOVERY_CODE_USED, account_id)
    await carry_out(act, Change.RECOVERY_CODE_USED, account_id, session_id=session_id)
    return await recovery.issue(act, account_id)


async def lift_limits(act: Act, account_id: str) -> None:
    """Let an account try codes again at once."""
    await throttle.forget(act.tx, _key(account_id))


async def closed(act: Act, event: Event, account_id: str) -> TooManyAttempts | None:
    """Tell whether codes of this account are refused unseen, and record that as the refusal of an event."""
    _, refused = await _tally(act, account_id, in_a_row=True)
    if refused is not None:
        await audit.record_cheap_refusal(act, event, account_id, reason=refused.code)
    return refused


async def _judge_all(
    act: Act, account_id: str, asked: Sequence[Factor], code: str, request: Request
) -> list[tuple[Factor, Verdict]]:
    """Judge a code by every factor that is asked, but for those whose secret cannot be opened."""
    kinds = act.site.part(Kinds)
    phones = [factor for factor in asked if kinds.phone(factor.kind)]
    apps = [factor for factor in asked if factor not in phones]
    judged = [(factor, verdict) for factor in apps if (verdict := _judge(act, factor, code)) is not None]
    if phones:
        sent_to, verdict = await sentcode.judge(act, account_id, request, code)
        judged += [(factor, verdict if factor.id == sent_to else Wrong(sent=not apps)) for factor in phones]
    return judged


def _judge(act: Act, factor: Factor, code: str) -> Verdict | None:
    """Judge a code; None when the factor's secret cannot be opened. Its owner's other factors are still good."""
    kind = act.site.part(Kinds).app(factor.kind)
    try:
        return kind.check(factor, code, act.now, explain_ahead=False) if kind else Wrong()
    except Unavailable:
        return None


async def _tally(act: Act, account_id: str, *, in_a_row: bool) -> tuple[Tally, TooManyAttempts | None]:
    """Read what is counted against an account, and tell whether its codes are refused unseen."""
    tally, source = await throttle.peek_both(act.tx, _key(account_id), source_key(act))
    return tally, _closed(act, tally, source, in_a_row=in_a_row)


def _closed(act: Act, tally: Tally, source: Tally, *, in_a_row: bool) -> TooManyAttempts | None:
    config = act.site.config
    if in_a_row and tally.run >= config.limit_codes_in_a_row:
        return FactorsClosed(retry_at=act.now + _A_DAY, now=act.now)
    ends = (
        throttle.blocked_until(tally, config.limit_codes, act.now),
        throttle.blocked_until(source, config.limit_source, act.now),
    )
    until = max((end for end in ends if end is not None), default=None)
    return TooManyAttempts(retry_at=until, now=act.now) if until else None


async def _forgive(act: Act, account_id: str, tally: Tally) -> None:
    if tally.run:
        await throttle.save(act.tx, _key(account_id), Tally(tally.marks, 0, tally.last_at))


async def _refuse(act: Act, event: Event, account_id: str, tally: Tally, verdict: Verdict) -> WrongCode:
    problem = refusal(verdict, await _count(act, account_id, tally))
    await audit.record_refusal(act, event, account_id, reason=problem.code)
    return problem


async def _count(act: Act, account_id: str, tally: Tally) -> int:
    rates = act.site.config.limit_codes
    raised = throttle.with_attempt(tally, rates, act.now)
    await throttle.save(act.tx, _key(account_id), raised)
    await count_against_source(act)
    return throttle.attempts_left(raised, rates, act.now)


def _key(account_id: str) -> str:
    return f"codes:{account_id}"
