"""The steps of a sign-in. Each is one transaction that proves, decides by the table, and moves the attempt on."""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from twofold.accounts import actions as accounts
from twofold.accounts.actions import PasswordTry
from twofold.accounts.rules import Account, normal_email
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act, Acts
from twofold.base.ids import new_token, token_hash
from twofold.base.problems import Problem
from twofold.computers import actions as computers
from twofold.factors.actions import two_factor
from twofold.factors.contract import Factor, Kinds
from twofold.factors.proofs import prove_code, prove_recovery_code
from twofold.factors.rules import TwoFactor, WrongCode, normal_code
from twofold.factors.sending import last_sent, send_code_to, why_not_carried
from twofold.factors.sentcode.rules import LiveCode, Purpose, Request
from twofold.sessions import actions as sessions
from twofold.sessions.actions import Token
from twofold.signin import rules, store
from twofold.signin.rules import Proof, SignInExpired, State, next_state
from twofold.signin.store import Attempt


class SignedIn(msgspec.Struct, frozen=True):
    """The end of a sign-in. Tokens are new; the recovery code is there when one was used up."""

    account_id: str
    session: Token
    browser: str | None = None
    trusted_computer: Token | None = None
    recovery_code: str | None = None


class CodeRequired(msgspec.Struct, frozen=True):
    """The half-open state: the password is proven, a code is asked for, and perhaps one was `sent` for it."""

    sign_in: Token
    two_factor: TwoFactor
    sent: LiveCode | None = None
    not_carried: str | None = None  # why nobody carries it

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors that can answer."""
        return self.two_factor.factors

    @property
    def may_trust(self) -> bool:
        """Whether this computer may be trusted."""
        return rules.may_trust(self.two_factor.policy)


class Client(msgspec.Struct, frozen=True):
    """The program that signs in, and what it kept from earlier times."""

    is_browser: bool  # keeps tokens in cookies, and is remembered as a browser of the account
    browser: str | None
    session: str | None  # the session and the attempt that a new sign-in takes the place of
    attempt: str | None
    computer: Callable[[str], str | None]  # the trusted-computer token that it keeps for an account id


async def give_password(acts: Acts, client: Client, email: str, password: str) -> SignedIn | CodeRequired:
    """Prove the password; what it is worth depends on 2FA and the computer.

    Raises WrongCredentials, TooManyAttempts, InvalidRequest, Unavailable.
    """
    address = normal_email(email)
    tried = await accounts.try_password(acts, Event.SIGN_IN_PASSWORD, address, password, browser=client.browser)
    return await acts.write(_after_password, client, tried)


async def look(act: Act, token: str) -> CodeRequired:
    """Show an attempt under way. Raises SignInExpired."""
    attempt = await store.find(act.tx, token_hash(token))
    if attempt is None or rules.is_over(attempt.tries, attempt.expires_at, act.now):
        raise SignInExpired
    chosen = await two_factor(act, attempt.account_id)
    sent = await last_sent(act, attempt.account_id, chosen, _request(token))
    return CodeRequired(Token(token, attempt.expires_at), chosen, sent, await why_not_carried(act, sent))


async def send_code(act: Act, token: str, factor_id: str) -> LiveCode | Problem:
    """Send a code for this attempt to one of the account's phones; gives the refusal of a limit, or of its end.

    Raises InvalidRequest, Unavailable.
    """
    attempt = await _hold(act, token)
    if attempt is None:
        return await _bury(act, Event.CODE_SENT, token)
    return await send_code_to(act, attempt.account_id, factor_id, _request(token))


async def give_code(
    act: Act, client: Client, token: str, code: str, *, factor_id: str | None = None, trust: bool = False
) -> SignedIn | Problem:
    """Prove a second factor and finish; gives the counted refusal of a wrong code, or of an attempt that is over."""
    digits = normal_code(code)
    attempt = await _hold(act, token)
    if attempt is None:
        return await _bury(act, Event.SIGN_IN_CODE, token)
    whose = attempt.account_id
    proven = await prove_code(act, Event.SIGN_IN_CODE, whose, digits, _request(token), factor_id=factor_id)
    if isinstance(proven, Problem):
        return await _after_wrong_code(act, token, attempt, proven)
    await _move_on(act, token, Proof.CODE)
    allowed = trust and rules.may_trust((await two_factor(act, whose)).policy)
    trusted = await computers.trust(act, whose) if allowed else None
    methods, evidence = ("password", proven.kind), {"factor": proven.id, "name": proven.name}
    signed_in = await _sign_in(act, client, whose, methods, State.UNLOCKED, **evidence)
    return replace(signed_in, trusted_computer=trusted) if trusted else signed_in


async def give_recovery_code(act: Act, client: Client, token: str, text: str) -> SignedIn | Problem:
    """Prove the recovery code, which is used up, and finish with a new one; gives refusals as `give_code` does."""
    act.site.part(Kinds).recovery.check_form(text)
    attempt = await _hold(act, token)
    if attempt is None:
        return await _bury(act, Event.SIGN_IN_RECOVERY_CODE, token)
    new_code = await prove_recovery_code(act, Event.SIGN_IN_RECOVERY_CODE, attempt.account_id, text)
    if isinstance(new_code, Problem):
        return await _after_wrong_code(act, token, attempt, new_code)
    await _move_on(act, token, Proof.RECOVERY_CODE)
    signed_in = await _sign_in(act, client, attempt.account_id, ("password", "recovery_code"), State.UNLOCKED)
    return replace(signed_in, recovery_code=new_code)


async def factors_of(act: Act, account_id: str) -> tuple[Factor, ...]:
    """List the verified factors of an account that has just signed in."""
    return (await two_factor(act, account_id)).factors


async def cancel(act: Act, token: str) -> None:
    """Give up an attempt."""
    account_id = await store.bury(act.tx, token_hash(token))
    if account_id:
        await audit.record(act, Event.SIGN_IN_CANCELLED, account_id)


def _request(token: str) -> Request:
    return Request(Purpose.SIGN_IN, token_hash(token).hex())


async def _after_password(act: Act, client: Client, tried: PasswordTry) -> SignedIn | CodeRequired | Problem:
    account = await accounts.decide(act, tried)
    if isinstance(account, Problem):
        return account
    chosen = await two_factor(act, account.id)
    computer_id = await computers.recognise(act, account.id, client.computer(account.id)) if chosen.active else None
    proof = rules.password_proof(active=chosen.active, policy=chosen.policy, recognised=computer_id is not None)
    state = next_state(State.NOBODY, proof)
    if client.attempt:
        await store.finish(act.tx, token_hash(client.attempt))
    if state is State.HALF_OPEN:
        return await _begin(act, account, chosen)
    return await _sign_in(act, client, account.id, ("password",), state, computer_id=computer_id)


async def _begin(act: Act, account: Account, chosen: TwoFactor) -> CodeRequired:
    token = Token(new_token(), act.now + rules.ATTEMPT_LIFE)
    await store.insert(act.tx, token_hash(token.token), account.id, stamp=account.stamp, expires_at=token.expires_at)
    await audit.record(act, Event.SIGN_IN_PASSWORD, account.id)
    return CodeRequired(token, chosen)


async def _hold(act: Act, token: str) -> Attempt | None:
    attempt = await store.hold(act.tx, token_hash(token))
    return attempt if attempt is not None and not rules.is_over(attempt.tries, attempt.expires_at, act.now) else None


async def _bury(act: Act, event: Event, token: str) -> Problem:
    """Note that an attempt was gone on with after its end, and take it away: so it is noted once."""
    account_id = await store.bury(act.tx, token_hash(token))
    if account_id:
        await audit.record_refusal(act, event, account_id, reason=SignInExpired.code)
    return SignInExpired()


async def _after_wrong_code(act: Act, token: str, attempt: Attempt, problem: Problem) -> Problem:
    if not isinstance(problem, WrongCode):
        return problem
    await store.count_try(act.tx, token_hash(token))
    if next_state(State.HALF_OPEN, rules.wrong_code(attempt.tries)) is State.NOBODY:
        await store.finish(act.tx, token_hash(token))
    return problem.with_attempts_left(rules.ATTEMPT_TRIES - attempt.tries - 1)


async def _move_on(act: Act, token: str, proof: Proof) -> None:
    finished = await store.finish(act.tx, token_hash(token))
    if next_state(State.HALF_OPEN, proof) is not State.UNLOCKED or not finished:
        raise SignInExpired


async def _sign_in(
    act: Act,
    client: Client,
    account_id: str,
    methods: tuple[str, ...],
    state: State,
    *,
    computer_id: str | None = None,
    **evidence: str,
) -> SignedIn:
    if client.session:
        await sessions.end_token(act, client.session)
    unlocked = state is State.UNLOCKED
    session = await sessions.start(act, account_id, methods, unlocked=unlocked, computer_id=computer_id, **evidence)
    if client.is_browser:
        browser = await accounts.recognise_browser(act, account_id, client.browser)
        return SignedIn(account_id, session, browser)
    if computer_id is None:
        await accounts.recognise_program(act, account_id)
    return SignedIn(account_id, session)
