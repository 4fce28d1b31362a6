"""Unlock settings, and prove what a page or application demands. With 2FA on, a code is always required."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from twofold.accounts import actions as accounts
from twofold.accounts import password_check
from twofold.accounts.password_check import PasswordAttempt
from twofold.audit.events import Event
from twofold.base.problems import FieldError, InvalidRequest, Problem
from twofold.base.proofs import Level, Proof
from twofold.base.texts import N_
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Access, NotSignedIn, Visitor
from twofold.factors.actions import two_factor
from twofold.factors.contract import Answers, Challenge, Purpose, Request, kinds
from twofold.factors.rules import TwoFactor
from twofold.factors.verification import challenge, last_challenge, prove_factor, prove_recovery_code, read_answers
from twofold.factors.wrong_codes import wrong_codes
from twofold.repeats import actions as repeats
from twofold.repeats.rules import REPEATABLE_FOR, SignInCompleted
from twofold.repeats.rules import Purpose as Step
from twofold.sessions import actions as sessions
from twofold.sessions.actions import Token
from twofold.sessions.rules import RECOVERY_CODE_STRENGTH, password_proof, recovery_code_proof
from twofold.unlock import rules
from twofold.unlock.rules import ANY, Demand, Missing, Reach


class Unlocked(msgspec.Struct, frozen=True):
    """The session with its new token, and a new recovery code if one was used. Times are epoch seconds."""

    session: Token
    unlocked_until: int
    recovery_code: str | None


class Credentials(msgspec.Struct, frozen=True):
    """The password and code that the user entered."""

    password: str
    answer: Mapping[str, Any] = {}  # what a kind of factor reads
    recovery_code: str | None = None


class Requirements(msgspec.Struct, frozen=True):
    """What a session lacks for a demand, and what an authentication asks for besides the password."""

    missing: Missing
    second_factor: bool
    two_factor: TwoFactor  # with the factors that reach the level
    recovery_code: bool  # may take the place of the code
    challenge: Challenge | None  # the last one to unlock this session

    @property
    def asks_for(self) -> tuple[str, ...]:
        """Return the fields of the authentication."""
        if self.missing is not Missing.STEP_UP:
            return ()
        return ("password", "code") if self.second_factor else ("password",)


async def requirements(uow: UnitOfWork, visitor: Visitor, demand: Demand) -> Requirements:
    """Return what this session lacks for a demand, and what an authentication asks for."""
    chosen = await two_factor(uow, visitor.account_id)
    offered = {kind.kind: kind.strength.level for kind in kinds(uow).offered}
    reachable = [Level.ONE_FACTOR, *(offered[each.kind] for each in chosen.factors if each.kind in offered)]
    if chosen.active:
        reachable.append(RECOVERY_CODE_STRENGTH.level)
    reach = Reach(max(reachable), max(*reachable, *offered.values()))
    sufficient = tuple(each for each in chosen.factors if offered.get(each.kind, "") >= demand.level)
    return Requirements(
        missing=rules.missing(visitor.proofs, demand, reach, uow.now),
        second_factor=rules.asks_for_second_factor(demand, active=chosen.active),
        two_factor=replace(chosen, factors=sufficient),
        recovery_code=chosen.active and demand.level <= RECOVERY_CODE_STRENGTH.level,
        challenge=await last_challenge(uow, chosen.factors, _request(visitor)),
    )


async def send_code(uow: UnitOfWork, visitor: Visitor, factor_id: str) -> Challenge | Problem:
    """Send a code to one of the visitor's phones. Return a problem if a limit is reached.

    Raise InvalidRequest or Unavailable.
    """
    return await challenge(uow, visitor.account_id, factor_id, _request(visitor))


async def unlock(
    runner: Runner,
    visitor: Visitor,
    session_token: str,
    browser: str | None,
    credentials: Credentials,
    demand: Demand = ANY,
) -> Unlocked:
    """Unlock the settings of this session, and add to it the proofs that a demand lacks.

    Raise WrongCredentials, WrongCode, TooManyAttempts, InvalidRequest, NotSignedIn, SignInCompleted or Unavailable.
    """
    answers = read_answers(runner, credentials.answer) if credentials.answer else None
    if answers is None and credentials.recovery_code is not None:
        kinds(runner).recovery.check_form(credentials.recovery_code)
    attempt = await password_check.attempt_password(
        runner, Event.SETTINGS_UNLOCKED, visitor.email, credentials.password, browser=browser
    )
    try:
        return await runner.write(_after_password, session_token, attempt, answers, credentials.recovery_code, demand)
    except NotSignedIn:  # an identical request at the same time has replaced the token
        return await repeat(runner, session_token, browser, credentials)


async def repeat(runner: Runner, session_token: str, browser: str | None, credentials: Credentials) -> Unlocked:
    """Repeat the answer to an unlock with the recovery code, for a client that only has the earlier session token.

    Raise NotSignedIn, SignInCompleted, WrongCredentials, TooManyAttempts or Unavailable.
    """
    code = None if credentials.answer else credentials.recovery_code
    step = await runner.read(repeats.find_repeatable, session_token, Step.UNLOCK, code)
    if step is None or code is None:
        raise NotSignedIn
    attempt = await password_check.attempt_password(
        runner, Event.SETTINGS_UNLOCKED, step.email, credentials.password, browser=browser
    )
    return await runner.write(_repeat_after_password, session_token, attempt, code)


def _request(visitor: Visitor) -> Request:
    return Request(Purpose.UNLOCK, visitor.session_id)


async def _after_password(
    uow: UnitOfWork,
    session_token: str,
    attempt: PasswordAttempt,
    answers: Answers | None,
    recovery_code: str | None,
    demand: Demand,
) -> Unlocked | Problem:
    try:
        visitor = await sessions.admit(uow, session_token, Access.SIGNED_IN)
    except NotSignedIn as ended:
        await password_check.clear_failures(uow, attempt)
        return ended
    account = await password_check.decide(uow, attempt)
    if isinstance(account, Problem):
        return account
    proofs, new_code = [password_proof(uow.now)], None
    chosen = await two_factor(uow, account.id)
    if rules.asks_for_second_factor(demand, active=chosen.active) or (answers and chosen.factors):
        proven = await _prove_second_factor(uow, visitor, chosen, answers, recovery_code)
        if isinstance(proven, Problem):
            return proven
        proof, new_code = proven
        proofs.append(proof)
    await accounts.remember_locale(uow, account)
    token = await sessions.unlock(uow, visitor, proofs, unseen_for=REPEATABLE_FOR if new_code else 0)
    used_code = recovery_code if new_code else None
    repeats.remember(uow, session_token, account.id, Step.UNLOCK, token, used_code=used_code, new_code=new_code)
    return Unlocked(token, uow.now + uow.site.config.unlocked, new_code)


async def _repeat_after_password(
    uow: UnitOfWork, session_token: str, attempt: PasswordAttempt, code: str
) -> Unlocked | Problem:
    account = await password_check.decide(uow, attempt)
    if isinstance(account, Problem):
        return account
    repeated = await repeats.repeat(uow, session_token, Step.UNLOCK, code)
    if repeated is None or repeated.account_id != account.id:
        raise SignInCompleted
    return Unlocked(repeated.session, repeated.unlocked_until, repeated.recovery_code)


async def _prove_second_factor(
    uow: UnitOfWork, visitor: Visitor, chosen: TwoFactor, answers: Answers | None, recovery_code: str | None
) -> tuple[Proof, str | None] | Problem:
    """Return the proof by a second factor, and the new recovery code if that was used; or the counted refusal."""
    event = Event.SETTINGS_UNLOCKED
    if answers:
        failures = await wrong_codes(uow, visitor.account_id)
        proven = await prove_factor(uow, event, chosen, failures, answers, _request(visitor))
        return proven if isinstance(proven, Problem) else (proven.proof, None)
    if recovery_code:
        failures = await wrong_codes(uow, visitor.account_id)
        new_code = await prove_recovery_code(uow, event, failures, recovery_code, session_id=visitor.session_id)
        return new_code if isinstance(new_code, Problem) else (recovery_code_proof(uow.now), new_code)
    return InvalidRequest(FieldError("code", N_("Enter your verification code, or your recovery code.")))
