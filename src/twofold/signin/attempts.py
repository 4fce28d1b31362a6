"""The unfinished attempt, from the correct password to a correct code. Five wrong codes or five minutes end it."""

import msgspec

from twofold.accounts.password_check import source_key
from twofold.accounts.rules import Account
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.ids import new_token, token_hash
from twofold.base.problems import Problem
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors.contract import Challenge, Factor, Purpose, Request
from twofold.factors.rules import TwoFactor, WrongCode
from twofold.factors.verification import last_challenge
from twofold.factors.wrong_codes import WrongCodes, wrong_codes_in
from twofold.repeats import actions as repeats
from twofold.repeats.rules import Purpose as Step
from twofold.repeats.rules import SignInCompleted
from twofold.sessions.actions import Token
from twofold.signin import rules, store
from twofold.signin.rules import Outcome, SignInExpired, State, next_state
from twofold.signin.store import Attempt


class CodeRequired(msgspec.Struct, frozen=True):
    """The state after the password is proven: a code is required, and a challenge may already have been sent."""

    sign_in: Token
    two_factor: TwoFactor
    address: str  # as it was typed
    challenge: Challenge | None = None

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Return the factors that can answer."""
        return self.two_factor.factors

    @property
    def may_trust(self) -> bool:
        """Return whether this computer may be trusted."""
        return rules.may_trust(self.two_factor.policy)


async def begin(uow: UnitOfWork, account: Account, chosen: TwoFactor, typed: str) -> CodeRequired:
    """Begin an attempt for an account whose password was proven; `typed` is the address as the user typed it."""
    token = Token(new_token(), uow.now + rules.ATTEMPT_LIFETIME)
    await store.insert(
        uow.tx,
        token_hash(token.token),
        account.id,
        stamp=account.stamp,
        expires_at=token.expires_at,
        address=typed,
    )
    await audit.record(uow, Event.SIGN_IN_PASSWORD, account.id)
    return CodeRequired(token, chosen, typed)


async def current(uow: UnitOfWork, token: str) -> CodeRequired:
    """Return the state of an unfinished attempt. Raise SignInExpired or SignInCompleted."""
    attempt = await store.find(uow.tx, token_hash(token), source_key(uow))
    if attempt is None or rules.has_ended(attempt.tries, attempt.expires_at, uow.now):
        raise await _ended(uow, token)
    made = await last_challenge(uow, attempt.two_factor.factors, request(token))
    return CodeRequired(Token(token, attempt.expires_at), attempt.two_factor, attempt.address, made)


def request(token: str) -> Request:
    """Return the request for an answer that an attempt makes."""
    return Request(Purpose.SIGN_IN, token_hash(token).hex())


async def require(uow: UnitOfWork, token: str) -> None:
    """Raise SignInExpired or SignInCompleted, before anything is written, if a token belongs to no attempt."""
    if not await store.exists(uow.tx, token_hash(token)):
        raise await _ended(uow, token)


async def require_open(uow: UnitOfWork, token: str, *, in_a_row: bool) -> None:
    """Raise SignInExpired, SignInCompleted or TooManyAttempts if no code can finish the attempt now."""
    found = await store.find_tallies(uow.tx, token_hash(token), source_key(uow))
    if found is None:  # an ended attempt is recorded once, then deleted
        await require(uow, token)
    elif refused := (await wrong_codes_in(uow, *found)).over_limit(uow, in_a_row=in_a_row):
        raise refused


async def require_open_or_repeatable(uow: UnitOfWork, token: str, recovery_code: str) -> None:
    """Raise the same problems, unless this recovery code has completed the attempt and may be sent again."""
    if await repeats.find_repeatable(uow, token, Step.SIGN_IN, recovery_code) is None:
        await require_open(uow, token, in_a_row=False)


async def find_for_update(uow: UnitOfWork, token: str) -> Attempt | None:
    """Return an attempt that can still be continued, or None, and lock its account until this transaction ends."""
    attempt = await store.find_for_update(uow.tx, token_hash(token), source_key(uow))
    return attempt if attempt is not None and not rules.has_ended(attempt.tries, attempt.expires_at, uow.now) else None


async def wrong_codes(uow: UnitOfWork, attempt: Attempt) -> WrongCodes:
    """Return the wrong codes of the account of an attempt."""
    return await wrong_codes_in(uow, attempt.account_id, attempt.tallies)


async def discard(uow: UnitOfWork, event: Event, token: str) -> Problem:
    """Record that an attempt was continued after its end, and delete it, so that it is recorded once."""
    account_id = await store.discard(uow.tx, token_hash(token))
    if account_id:
        await audit.record_refusal(uow, event, account_id, reason=SignInExpired.code)
    return await _ended(uow, token)


async def count_wrong_code(uow: UnitOfWork, token: str, attempt: Attempt, problem: Problem) -> Problem:
    """Count a wrong code against its attempt; return the problem with the number of tries left in it."""
    if not isinstance(problem, WrongCode):
        return problem
    await store.count_try(uow.tx, token_hash(token))
    if next_state(State.HALF_OPEN, rules.wrong_code(attempt.tries)) is State.ANONYMOUS:
        await store.finish(uow.tx, token_hash(token))
    return problem.with_attempts_left(rules.ATTEMPT_TRIES - attempt.tries - 1)


def finish(uow: UnitOfWork, token: str, outcome: Outcome) -> None:
    """End an attempt with the proof that completes it. Raise SignInExpired, at the latest before the commit."""
    uow.require(store.finish(uow.tx, token_hash(token)), SignInExpired)
    if next_state(State.HALF_OPEN, outcome) is not State.UNLOCKED:
        raise SignInExpired


async def cancel(uow: UnitOfWork, token: str) -> None:
    """Delete an attempt."""
    account_id = await store.discard(uow.tx, token_hash(token))
    if account_id:
        await audit.record(uow, Event.SIGN_IN_CANCELLED, account_id)


async def _ended(uow: UnitOfWork, token: str) -> Problem:
    """Return the problem of an attempt that cannot be continued."""
    return SignInCompleted() if await repeats.is_completed(uow, token, Step.SIGN_IN) else SignInExpired()
