"""The steps of a sign-in. Each is one transaction that checks a proof and changes the state according to the table."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from twofold.accounts import password_check
from twofold.accounts.browsers import actions as browsers
from twofold.accounts.composed import stored_form
from twofold.accounts.password_check import PasswordAttempt
from twofold.accounts.rules import former_email, normal_email
from twofold.audit.events import Event
from twofold.base.ids import token_hash
from twofold.base.problems import FieldError, InvalidRequest, Problem
from twofold.base.proofs import Proof
from twofold.base.texts import N_
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.factors.actions import two_factor
from twofold.factors.contract import Answers, Challenge, kinds
from twofold.factors.trust import Trust
from twofold.factors.verification import challenge, prove_factor, prove_recovery_code
from twofold.repeats import actions as repeats
from twofold.repeats.rules import REPEATABLE_FOR, SignInCompleted
from twofold.repeats.rules import Purpose as Step
from twofold.sessions import actions as sessions
from twofold.sessions.actions import Token
from twofold.sessions.rules import password_proof, recovery_code_proof
from twofold.signin import attempts, rules, store
from twofold.signin.attempts import CodeRequired
from twofold.signin.rules import Outcome, SignInExpired, State, next_state


class SignedIn(msgspec.Struct, frozen=True):
    """A completed sign-in with new tokens, and a new recovery code if one was used up."""

    account_id: str
    session: Token
    browser: str | None = None
    trusted_computer: Token | None = None
    recovery_code: str | None = None


class Client(msgspec.Struct, frozen=True):
    """The client that signs in, and the tokens that it has stored."""

    is_browser: bool  # stores tokens in cookies, and becomes a known browser of the account
    browser: str | None
    session: str | None  # the session that goes on, or ends if it is another account's
    attempt: str | None  # the attempt that a new one replaces
    computer: Callable[[str], str | None]  # returns the trusted-computer token that it has stored for an account id


async def submit_password(runner: Runner, client: Client, email: str, password: str) -> SignedIn | CodeRequired:
    """Check the password; whether a code is required depends on 2FA and the computer.

    Raise WrongCredentials, TooManyAttempts, InvalidRequest or Unavailable.
    """
    if email.strip() and "@" not in email:
        raise InvalidRequest(FieldError("email", N_("Use your email address, not your username.")))
    address = await runner.read(stored_form, email) if former_email(email) else normal_email(email)
    attempt = await password_check.attempt_password(
        runner, Event.SIGN_IN_PASSWORD, address, password, browser=client.browser
    )
    return await runner.write(_after_password, client, attempt, email.strip())


async def send_code(runner: Runner, token: str, factor_id: str) -> Challenge:
    """Send a code for this attempt to one of the account's phones.

    Raise SignInExpired, TooManyAttempts, InvalidRequest or Unavailable.
    """
    await runner.read(attempts.require, token)
    return await runner.write(_send_code, token, factor_id)


async def submit_code(
    runner: Runner, client: Client, token: str, answers: Answers, *, factor_id: str | None = None, trust: bool = False
) -> SignedIn:
    """Check a second factor and finish. Raise WrongCode, SignInExpired, TooManyAttempts or InvalidRequest."""
    await runner.read(attempts.require_open, token, in_a_row=True)
    return await runner.write(_submit_code, client, token, answers, factor_id=factor_id, trust=trust)


async def submit_recovery_code(runner: Runner, client: Client, token: str, text: str) -> SignedIn:
    """Use up the recovery code and finish with a new one. Raise the same problems as `submit_code`.

    If the same step is sent again after a lost response, return a new session and a new code.
    """
    kinds(runner).recovery.check_form(text)
    await runner.read(attempts.require_open_or_repeatable, token, text)
    return await runner.write(_submit_recovery_code, client, token, text)


async def cancel(runner: Runner, token: str) -> None:
    """Cancel an attempt."""
    with suppress(SignInExpired, SignInCompleted):
        await runner.read(attempts.require, token)
        await runner.write(attempts.cancel, token)


async def _after_password(
    uow: UnitOfWork, client: Client, attempt: PasswordAttempt, typed: str
) -> SignedIn | CodeRequired | Problem:
    proven, found, factors = attempt.account if attempt.is_correct else None, None, None
    if proven is not None:
        found, factors = store.find_account_for_update(uow.tx, proven.id, attempt.bucket.key)
    account = await password_check.decide(uow, attempt, found)
    if isinstance(account, Problem):
        return account
    chosen = await (factors or two_factor(uow, account.id))
    trust, token = uow.site.part(Trust), client.computer(account.id)
    computer_id = await trust.recognise(uow, account.id, token) if chosen.active else None
    outcome = rules.password_outcome(active=chosen.active, policy=chosen.policy, recognised=computer_id is not None)
    state = next_state(State.ANONYMOUS, outcome)
    if client.attempt:
        await store.finish(uow.tx, token_hash(client.attempt))
    if state is State.HALF_OPEN:
        return await attempts.begin(uow, account, chosen, typed)
    return await _sign_in(uow, client, account.id, [password_proof(uow.now)], state, computer_id=computer_id)


async def _send_code(uow: UnitOfWork, token: str, factor_id: str) -> Challenge | Problem:
    attempt = await attempts.find_for_update(uow, token)
    if attempt is None:
        return await attempts.discard(uow, Event.CODE_SENT, token)
    return await challenge(uow, attempt.account_id, factor_id, attempts.request(token))


async def _submit_code(
    uow: UnitOfWork, client: Client, token: str, answers: Answers, *, factor_id: str | None, trust: bool
) -> SignedIn | Problem:
    attempt = await attempts.find_for_update(uow, token)
    if attempt is None:
        return await attempts.discard(uow, Event.SIGN_IN_CODE, token)
    account_id, chosen = attempt.account_id, attempt.two_factor
    request, failures = attempts.request(token), await attempts.wrong_codes(uow, attempt)
    proven = await prove_factor(uow, Event.SIGN_IN_CODE, chosen, failures, answers, request, factor_id=factor_id)
    if isinstance(proven, Problem):
        return await attempts.count_wrong_code(uow, token, attempt, proven)
    attempts.finish(uow, token, Outcome.CODE)
    allowed = trust and rules.may_trust(chosen.policy)
    trusted = await uow.site.part(Trust).grant(uow, account_id) if allowed else None
    proofs, factor = (password_proof(attempt.begun_at), proven.proof), proven.factor
    signed_in = await _sign_in(uow, client, account_id, proofs, State.UNLOCKED, factor=factor.id, name=factor.name)
    repeats.remember(uow, token, account_id, Step.SIGN_IN, signed_in.session)
    return replace(signed_in, trusted_computer=trusted) if trusted else signed_in


async def _submit_recovery_code(uow: UnitOfWork, client: Client, token: str, text: str) -> SignedIn | Problem:
    attempt = await attempts.find_for_update(uow, token)
    if attempt is None:
        repeated = await repeats.repeat(uow, token, Step.SIGN_IN, text)
        if repeated is not None:
            browser = await browsers.renew_again(uow, repeated.account_id, client.browser)
            return SignedIn(repeated.account_id, repeated.session, browser, recovery_code=repeated.recovery_code)
        return await attempts.discard(uow, Event.SIGN_IN_RECOVERY_CODE, token)
    kept = await sessions.identify(uow, client.session)
    session_id = kept.session_id if kept and kept.account_id == attempt.account_id else None
    event = Event.SIGN_IN_RECOVERY_CODE
    failures = await attempts.wrong_codes(uow, attempt)
    new_code = await prove_recovery_code(uow, event, failures, text, session_id=session_id)
    if isinstance(new_code, Problem):
        return await attempts.count_wrong_code(uow, token, attempt, new_code)
    attempts.finish(uow, token, Outcome.RECOVERY_CODE)
    proofs = (password_proof(attempt.begun_at), recovery_code_proof(uow.now))
    signed_in = await _sign_in(uow, client, attempt.account_id, proofs, State.UNLOCKED, unseen_for=REPEATABLE_FOR)
    repeats.remember(uow, token, attempt.account_id, Step.SIGN_IN, signed_in.session, used_code=text, new_code=new_code)
    return replace(signed_in, recovery_code=new_code)


async def _sign_in(
    uow: UnitOfWork,
    client: Client,
    account_id: str,
    proofs: Sequence[Proof],
    state: State,
    *,
    computer_id: str | None = None,
    unseen_for: int = 0,
    **evidence: str,
) -> SignedIn:
    session = await sessions.start(
        uow,
        account_id,
        proofs,
        unlocked=state is State.UNLOCKED,
        earlier=client.session,
        computer_id=computer_id,
        unseen_for=unseen_for,
        **evidence,
    )
    if client.is_browser:
        browser = await browsers.remember_browser(uow, account_id, client.browser)
        return SignedIn(account_id, session, browser)
    if computer_id is None:
        browsers.remember_program(uow, account_id)
    return SignedIn(account_id, session)
