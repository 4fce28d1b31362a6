"""Removing a factor. If the session rests on it alone, the same form asks for the password, which then replaces it."""

from msgspec.structs import replace

from twofold.accounts import password_check
from twofold.accounts.password_check import PasswordAttempt
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.problems import FieldError, InvalidRequest, NotFound, Problem
from twofold.base.texts import N_
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.factors import rules, store
from twofold.factors.actions import act_on_removal, settle
from twofold.factors.rules import Policy, TwoFactor
from twofold.sessions import actions as sessions
from twofold.sessions.rules import added, password_proof, rests_on


async def remove(
    runner: Runner, visitor: Visitor, session_token: str, browser: str | None, factor_id: str, password: str | None
) -> None:
    """Remove a factor or cancel an enrolment; removing the last factor turns 2FA off.

    The password is checked only if the session rests on this factor alone. Raise NotFound, InvalidRequest if it is
    missing then, WrongCredentials, TooManyAttempts, NotSignedIn, LockedSettings or Unavailable.
    """
    attempt = None
    if rests_on(visitor.proofs, factor_id):
        attempt = await password_check.attempt_password(
            runner, Event.FACTOR_REMOVED, visitor.email, _required(password), browser=browser
        )
    await runner.write(_remove, session_token, factor_id, attempt)


async def _remove(
    uow: UnitOfWork, session_token: str, factor_id: str, attempt: PasswordAttempt | None
) -> Problem | None:
    visitor = await sessions.admit(uow, session_token, Access.UNLOCKED)
    factor = await store.find(uow.tx, visitor.account_id, factor_id)
    if factor is None or rules.has_expired(factor, uow.now):
        raise NotFound
    if attempt is not None:
        account = await password_check.decide(uow, attempt)
        if isinstance(account, Problem):
            return account
        visitor = replace(visitor, proofs=added(visitor.proofs, [password_proof(uow.now)], uow.now))
    elif rests_on(visitor.proofs, factor_id):
        _required(None)
    before = await store.two_factor(uow.tx, visitor.account_id)
    await store.delete(uow.tx, visitor.account_id, factor_id)
    if factor.verified_at is None:
        return None
    await audit.record(uow, Event.FACTOR_REMOVED, visitor.account_id, factor=factor_id, name=factor.name)
    after = await _without(uow, before, visitor.account_id, factor_id)
    await act_on_removal(uow, factor, after)
    await settle(uow, visitor, before, after, None)
    return None


def _required(password: str | None) -> str:
    if not password:
        raise InvalidRequest(
            FieldError("password", N_("You are signed in with this method alone. Enter your password to remove it."))
        )
    return password


async def _without(uow: UnitOfWork, before: TwoFactor, account_id: str, factor_id: str) -> TwoFactor:
    remaining = tuple(factor for factor in before.factors if factor.id != factor_id)
    policy = before.policy if remaining else Policy.DISABLED
    default = None if before.default_factor_id == factor_id else before.default_factor_id
    await store.save_choice(uow.tx, account_id, policy, default)
    return TwoFactor(policy, remaining, default)
