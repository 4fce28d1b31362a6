"""Unlocking settings. While 2FA is on the second factor is asked for again, whatever the computer is trusted for."""

import msgspec

from twofold.accounts import actions as accounts
from twofold.accounts.actions import PasswordTry
from twofold.audit.events import Event
from twofold.base.acts import Act, Acts
from twofold.base.problems import FieldError, InvalidRequest, Problem
from twofold.base.texts import N_
from twofold.base.visitor import Need, Visitor
from twofold.factors.actions import two_factor
from twofold.factors.contract import Kinds
from twofold.factors.proofs import prove_code, prove_recovery_code
from twofold.factors.rules import TwoFactor, normal_code
from twofold.factors.sending import last_sent, send_code_to, why_not_carried
from twofold.factors.sentcode.rules import LiveCode, Purpose, Request
from twofold.sessions import actions as sessions
from twofold.sessions.actions import Token


class Unlocked(msgspec.Struct, frozen=True):
    """The session under its new token; the recovery code is there when one was used up. Times are epoch seconds."""

    session: Token
    unlocked_until: int
    recovery_code: str | None


class Proofs(msgspec.Struct, frozen=True):
    """What was typed."""

    password: str
    code: str | None = None
    recovery_code: str | None = None


async def look(act: Act, visitor: Visitor) -> tuple[TwoFactor, LiveCode | None, str | None]:
    """Show what is asked for, the code that was sent last to unlock this session, and why nobody carries it."""
    chosen = await two_factor(act, visitor.account_id)
    sent = await last_sent(act, visitor.account_id, chosen, _request(visitor))
    return chosen, sent, await why_not_carried(act, sent)


async def send_code(act: Act, visitor: Visitor, factor_id: str) -> LiveCode | Problem:
    """Send a code to unlock this session to one of the visitor's phones; gives the refusal of a limit.

    Raises InvalidRequest, Unavailable.
    """
    return await send_code_to(act, visitor.account_id, factor_id, _request(visitor))


async def unlock(acts: Acts, visitor: Visitor, session_token: str, browser: str | None, given: Proofs) -> Unlocked:
    """Unlock the settings of this session.

    Raises WrongCredentials, WrongCode, TooManyAttempts, InvalidRequest, NotSignedIn, Unavailable.
    """
    code = normal_code(given.code) if given.code else None
    if code is None and given.recovery_code is not None:
        acts.site.part(Kinds).recovery.check_form(given.recovery_code)
    tried = await accounts.try_password(acts, Event.SETTINGS_UNLOCKED, visitor.email, given.password, browser=browser)
    return await acts.write(_after_password, session_token, tried, code, given.recovery_code)


def _request(visitor: Visitor) -> Request:
    return Request(Purpose.UNLOCK, visitor.session_id)


async def _after_password(
    act: Act, session_token: str, tried: PasswordTry, code: str | None, recovery_code: str | None
) -> Unlocked | Problem:
    visitor = await sessions.admit(act, session_token, Need.SIGNED_IN)
    account = await accounts.decide(act, tried)
    if isinstance(account, Problem):
        return account
    new_code = None
    if (await two_factor(act, account.id)).active:
        proven = await _prove_second(act, visitor, code, recovery_code)
        if isinstance(proven, Problem):
            return proven
        new_code = proven
    await accounts.listen(act, account)
    token = await sessions.unlock(act, visitor)
    return Unlocked(token, act.now + act.site.config.unlocked, new_code)


async def _prove_second(
    act: Act, visitor: Visitor, code: str | None, recovery_code: str | None
) -> str | Problem | None:
    if code:
        proven = await prove_code(act, Event.SETTINGS_UNLOCKED, visitor.account_id, code, _request(visitor))
        return proven if isinstance(proven, Problem) else None
    if recovery_code:
        return await prove_recovery_code(
            act, Event.SETTINGS_UNLOCKED, visitor.account_id, recovery_code, session_id=visitor.session_id
        )
    return InvalidRequest(FieldError("code", N_("Enter your verification code, or your recovery code.")))
