"""Proving a password, and making accounts.

A password step is two short transactions with the hash between them, so that nobody waits for a hash while holding
the database: count the try and load; hash in the pool; decide, if nothing changed meanwhile.
"""

import msgspec

from twofold.accounts import store
from twofold.accounts.rules import PASSWORD_MOST, Account, WrongCredentials, WrongPassword
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import throttle
from twofold.base.acts import Act, Acts
from twofold.base.ids import new_id, new_token, token_hash
from twofold.base.passwords import normal_form
from twofold.base.problems import Conflict, FieldError, InvalidRequest, Problem, TooManyAttempts
from twofold.base.texts import ENGLISH, N_

_A_DAY = 86_400  # seconds between two notes of one browser: it is remembered for a year


class PasswordTry(msgspec.Struct, frozen=True):
    """A counted try, compared but not yet decided."""

    event: Event
    key: str
    account: Account | None
    right: bool
    new_hash: str | None = None


async def try_password(
    acts: Acts, event: Event, email: str, password: str, *, browser: str | None, field: str = "password"
) -> PasswordTry:
    """Count a try and compare the password; `decide` must follow in the transaction that acts on it.

    An unknown address costs the same work. A try for whose hash there is no room is not counted: whoever floods the
    queue would lock out others. Raises TooManyAttempts, InvalidRequest, Unavailable.
    """
    if len(normal_form(password)) > PASSWORD_MOST:
        raise InvalidRequest(FieldError(field, N_("A password has at most 256 characters.")))
    passwords, renewed = acts.site.passwords, None
    with passwords.place():
        tried = await acts.write(_count, event, email, browser)
        known = tried.account.password_hash if tried.account else None
        right = await passwords.verify_in_place(known, password)
        if right and known and passwords.is_outdated(known):
            renewed = await passwords.hash_in_place(password)
    return PasswordTry(event, tried.key, tried.account, right, renewed)


async def decide(act: Act, tried: PasswordTry) -> Account | Problem:
    """Give the account whose password was proven, or the counted refusal."""
    seen = tried.account
    account = await store.hold(act.tx, seen.id) if seen else None
    if seen is None or account is None or not tried.right:
        return await _refuse(act, tried, WrongCredentials.code)
    if account.disabled_at is not None:
        return await _refuse(act, tried, "disabled")
    if account.stamp != seen.stamp:
        return await _refuse(act, tried, "credentials_changed")
    await throttle.forget(act.tx, tried.key)
    if tried.new_hash:
        await store.set_password(act.tx, account.id, tried.new_hash, seen_stamp=account.stamp)
    return account


async def lift_limits(act: Act, account: Account) -> None:
    """Let an account try passwords again at once, from anywhere."""
    await throttle.forget_all(act.tx, _key(act, account.email, None))


async def create(act: Act, email: str, password_hash: str, *, administrator: bool = False) -> Account | Problem:
    """Add an account under a normal address; refuses a known one."""
    locale = act.origin.locale or ENGLISH
    account = Account(new_id(), email, password_hash, 1, int(administrator), act.now, None, locale)
    if not await store.insert(act.tx, account):
        taken = await store.by_email(act.tx, email)
        if taken is not None:
            await audit.record_cheap_refusal(act, Event.ACCOUNT_CREATED, taken.id, reason=Conflict.code)
        return Conflict(N_("There is already an account with this email. Sign in, or use another one."), at="email")
    await audit.record(act, Event.ACCOUNT_CREATED, account.id)
    return account


async def listen(act: Act, account: Account) -> None:
    """Write and speak to an account in the language of whoever has just proven to be its owner."""
    locale = act.origin.locale
    if locale and locale != account.locale:
        await store.set_locale(act.tx, account.id, locale)


async def recognise_browser(act: Act, account_id: str, token: str | None) -> str:
    """Note that the account has signed in with this browser; gives a new token if the old one is not ours."""
    ours = token is not None and await store.is_browser(act.tx, token_hash(token))
    kept = token if token is not None and ours else new_token()
    await _note_computer(act, account_id, token_hash(kept))
    return kept


async def recognise_program(act: Act, account_id: str) -> None:
    """Note that the account has signed in with a program that keeps no cookies: known by its name and its network.

    The mark is a keyed hash, so nobody can offer it as a browser's token.
    """
    seen = f"{account_id} {act.origin.agent} {act.origin.source_network}"
    await _note_computer(act, account_id, bytes.fromhex(act.site.keys.mac("program", seen)))


async def _note_computer(act: Act, account_id: str, mark: bytes) -> None:
    last_at = await store.last_sign_in(act.tx, account_id, mark)
    if last_at is not None and abs(act.now - last_at) < _A_DAY:
        return
    if last_at is None:
        await _welcome_computer(act, account_id)
    await store.note_browser(act.tx, account_id, mark, act.now)


async def _welcome_computer(act: Act, account_id: str) -> None:
    if not await store.was_never_used(act.tx, account_id, act.now):
        await audit.record(act, Event.COMPUTER_NEW, account_id)
    elif act.origin.locale:  # later, a computer must not choose the language in which its owner is told of it
        await store.set_locale(act.tx, account_id, act.origin.locale)


async def _count(act: Act, event: Event, email: str, browser: str | None) -> PasswordTry | Problem:
    account = await store.by_email(act.tx, email)
    last_at = await store.last_sign_in(act.tx, account.id, token_hash(browser)) if account and browser else None
    key = _key(act, email, None if last_at is None else browser)
    config = act.site.config
    tally = await throttle.hold(act.tx, key)
    until = throttle.backed_off_until(tally, config.limit_passwords, act.now)
    source = await throttle.peek(act.tx, source_key(act))
    blocked = throttle.blocked_until(source, config.limit_source, act.now)
    if until or blocked:
        await audit.record_cheap_refusal(act, event, account.id if account else None, reason=TooManyAttempts.code)
        return TooManyAttempts(retry_at=max(until or 0, blocked or 0), now=act.now)
    await throttle.save(act.tx, key, throttle.with_attempt(tally, (), act.now))
    return PasswordTry(event, key, account, right=False)


async def _refuse(act: Act, tried: PasswordTry, reason: str) -> Problem:
    await count_against_source(act)
    await audit.record_refusal(act, tried.event, tried.account.id if tried.account else None, reason=reason)
    return WrongCredentials() if tried.event is Event.SIGN_IN_PASSWORD else WrongPassword()


async def count_against_source(act: Act) -> None:
    """Count a wrong attempt against the client's address."""
    key = source_key(act)
    tally = await throttle.hold(act.tx, key)
    await throttle.save(act.tx, key, throttle.with_attempt(tally, act.site.config.limit_source, act.now))


def source_key(act: Act) -> str:
    """Name the tally of the client's address; IPv6 addresses count by their /64."""
    return f"source:{act.origin.source_network}"


def _key(act: Act, email: str, browser: str | None) -> str:
    """Name the tally of an address: strangers share one, a browser that the account knows has its own."""
    key = f"password:{act.site.keys.mac('throttle', email)}"
    return f"{key}:{token_hash(browser).hex()[:16]}" if browser else key
