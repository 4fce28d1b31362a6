"""Check passwords, for sign-in, unlocking and changes of password.

A check first reads the limits, which costs little. Then it waits for its turn, and only then is counted and hashed. No
transaction is open while a hash is computed: the caller's transaction completes the check, unless the credentials
changed in the meantime.
"""

import msgspec
from msgspec.structs import replace

from twofold.accounts import store
from twofold.accounts.browsers.actions import known_browser
from twofold.accounts.rules import PASSWORD_MAX, Account, PasswordReplaced, WrongCredentials, WrongPassword
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import throttle
from twofold.base.database import Reply
from twofold.base.problems import FieldError, InvalidRequest, Problem, TooManyAttempts
from twofold.base.texts import N_, is_longer
from twofold.base.throttle import Tallies, Tally
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.config import Backoff, Rate

REPEATABLE_FOR = 60  # seconds after a change of password, in which the same change may be sent again


class Bucket(msgspec.Struct, frozen=True):
    """A group of attempts that are counted together: those of known browsers, or all others.

    `who` is the source or browser of an attempt: a correct password clears only its own failures. A known browser is
    limited by its own failures and, once it has some, by those of all known browsers together, never by its network.
    """

    key: str
    who: str
    is_known: bool


class PasswordAttempt(msgspec.Struct, frozen=True):
    """A counted attempt: the password has been compared, and `decide` uses the result.

    `blocks` says whether a failure of this attempt blocks further ones for a while.
    """

    event: Event
    bucket: Bucket
    at: int
    account: Account | None
    blocks: bool
    is_correct: bool = False
    is_repeated: bool = False  # the new password is the account's already
    renewed_hash: str | None = None  # of the same password, if the parameters changed
    new_hash: str | None = None  # of the new password


class _Permitted(msgspec.Struct, frozen=True):
    """An attempt that no limit forbids, and the tally that it will be counted in."""

    account: Account | None
    bucket: Bucket
    tally: Tally


async def attempt_password(
    runner: Runner,
    event: Event,
    email: str,
    password: str,
    *,
    browser: str | None,
    field: str = "password",
    new_password: str | None = None,
) -> PasswordAttempt:
    """Count an attempt and compare the password; call `decide` in the transaction that uses it.

    If it is correct, the new password is hashed in the same turn. If it is wrong and the password was changed a moment
    ago, the new one is compared with the account's, since the same change may have been sent twice. An unknown address
    takes the same work. If a limit is reached, nothing is written or hashed. An attempt without a turn is not counted;
    otherwise a flood would lock users out.
    Raise TooManyAttempts, InvalidRequest or Unavailable.
    """
    if is_longer(password, PASSWORD_MAX):
        raise InvalidRequest(FieldError(field, N_("Use a password of at most 256 characters.")))
    passwords, renewed_hash, new_hash, is_repeated = runner.site.passwords, None, None, False
    permitted = await runner.read(_check_limits, email, browser)
    async with runner.turn(email, known=permitted.bucket.is_known) as at_once:
        attempt = await runner.write(_count, event, email, browser, permitted, at_once=at_once)
        known = attempt.account.password_hash if attempt.account else None
        is_correct = await passwords.verify(known, password)
        if is_correct and new_password is not None:
            new_hash = await passwords.hash(new_password)
        elif new_password is not None and await runner.read(_was_just_changed, attempt.account):
            is_repeated = await passwords.verify(known, new_password)
        elif is_correct and known and passwords.is_outdated(known):
            renewed_hash = await passwords.hash(password)
    return replace(
        attempt, is_correct=is_correct, is_repeated=is_repeated, renewed_hash=renewed_hash, new_hash=new_hash
    )


async def decide(
    uow: UnitOfWork, attempt: PasswordAttempt, found: Reply[tuple[Account | None, Tallies]] | None = None
) -> Account | Problem:
    """Return the account whose password was proven, or the counted refusal.

    `found` is for callers that read the account and its tally, both locked, together with other things.

    A password that was correct but has been changed meanwhile, even to the same new one, is refused with
    PasswordReplaced, and the attempt is not counted.
    """
    seen = attempt.account
    if seen is not None and found is None:
        found = store.find_with_tally_for_update(uow.tx, seen.id, attempt.bucket.key)
    account, tallies = await found if found else (None, dict[str, Tally]())
    if account is not None and attempt.is_repeated:
        await _clear(uow, attempt, tallies)
        return PasswordReplaced()
    if seen is None or account is None or not attempt.is_correct:
        return await _refuse(uow, attempt, WrongCredentials.code)
    if account.disabled_at is not None:
        return await _refuse(uow, attempt, "disabled")
    await _clear(uow, attempt, tallies)
    if account.stamp != seen.stamp and (account.password_hash, account.email) != (seen.password_hash, seen.email):
        return await _refuse_replaced(uow, attempt, account.id)
    if attempt.renewed_hash:
        await store.set_password(uow.tx, account.id, attempt.renewed_hash, seen_stamp=account.stamp)
    return account


async def clear_failures(uow: UnitOfWork, attempt: PasswordAttempt) -> None:
    """Clear a correct attempt, and the wrong ones of the same source or browser."""
    key = attempt.bucket.key
    await _clear(uow, attempt, {key: await throttle.lock(uow.tx, key)})


async def lift_limits(uow: UnitOfWork, account: Account) -> None:
    """Remove all password limits of an account."""
    await throttle.delete_all(uow.tx, _key(uow, account.email))


async def _was_just_changed(uow: UnitOfWork, account: Account | None) -> bool:
    since = uow.now - REPEATABLE_FOR
    return account is not None and await audit.was_recorded(uow, Event.PASSWORD_CHANGED, account.id, since=since)


async def _clear(uow: UnitOfWork, attempt: PasswordAttempt, tallies: Tallies) -> None:
    """Clear a correct attempt, whose tally is locked."""
    if attempt.is_correct or attempt.is_repeated:
        bucket, mark = attempt.bucket, attempt.at if attempt.bucket.is_known else None
        await throttle.withdraw(uow.tx, bucket.key, tallies.get(bucket.key, Tally()), bucket.who, mark)


async def _check_limits(uow: UnitOfWork, email: str, browser: str | None) -> _Permitted:
    """Return an attempt that the limits permit, without a write. Raise TooManyAttempts if a limit is reached."""
    key, of_source = _key(uow, email), source_key(uow)
    account, tallies = await store.by_email_with_tallies(uow.tx, email, key, _known_key(key), of_source)
    bucket = _bucket(uow, email, await known_browser(uow, account.id, browser) if account else None)
    tally, source = (tallies.get(each, Tally()) for each in (bucket.key, of_source))
    _refuse_over_limit(uow, bucket, tally, Tally() if bucket.is_known else source)
    return _Permitted(account, bucket, tally)


async def _count(
    uow: UnitOfWork, event: Event, email: str, browser: str | None, permitted: _Permitted, *, at_once: bool
) -> PasswordAttempt:
    """Count an attempt. If it had to wait, or if there was another one meanwhile, check the limits again.

    Raise TooManyAttempts, without a write, if a limit is reached.
    """
    bucket, tally = permitted.bucket, permitted.tally
    counted = _with_attempt(uow, bucket, tally)
    if not (at_once and await throttle.replace(uow.tx, bucket.key, tally, counted)):
        permitted = await _check_again(uow, email, browser, bucket.key)
        bucket, tally = permitted.bucket, permitted.tally
        counted = _with_attempt(uow, bucket, tally)
        await throttle.save(uow.tx, bucket.key, counted)
    blocks = _blocked_until(uow, bucket, counted, Tally()) is not None
    return PasswordAttempt(event, bucket, uow.now, permitted.account, blocks)


async def _check_again(uow: UnitOfWork, email: str, browser: str | None, key: str) -> _Permitted:
    """Lock the tally of a bucket and check the limits. The account may have forgotten the browser meanwhile."""
    throttle.hold(uow.tx, key)
    permitted = await _check_limits(uow, email, browser)
    if permitted.bucket.key == key:
        return permitted
    return await _check_again(uow, email, browser, permitted.bucket.key)


def _refuse_over_limit(uow: UnitOfWork, bucket: Bucket, tally: Tally, source: Tally) -> None:
    until = _blocked_until(uow, bucket, tally, source)
    if until:
        raise TooManyAttempts(retry_at=until, now=uow.now)


def _blocked_until(uow: UnitOfWork, bucket: Bucket, tally: Tally, source: Tally) -> int | None:
    """Return the time of the next permitted attempt, or None if it is now."""
    backoff = uow.site.config.limit_passwords
    if bucket.is_known:
        ends = (
            throttle.backed_off_until(tally, backoff, uow.now, who=bucket.who),
            throttle.blocked_until(tally, _known_browser_rates(backoff), uow.now, who=bucket.who),
        )
    else:
        ends = (
            throttle.backed_off_until(tally, backoff, uow.now),
            throttle.blocked_until(source, uow.site.config.limit_source, uow.now),
        )
    return max((end for end in ends if end is not None), default=None)


def _with_attempt(uow: UnitOfWork, bucket: Bucket, tally: Tally) -> Tally:
    backoff = uow.site.config.limit_passwords
    rates = _known_browser_rates(backoff) if bucket.is_known else ()
    return throttle.with_attempt(tally, rates, uow.now, who=bucket.who, backoff=backoff)


def _known_browser_rates(backoff: Backoff) -> tuple[Rate]:
    """Return the limit for all known browsers of an account: by default 25 an hour, twice that of one browser."""
    return (Rate(2 * throttle.steps(backoff) + 1, backoff.most),)


async def _refuse(uow: UnitOfWork, attempt: PasswordAttempt, reason: str) -> Problem:
    """Record a refusal, and once that the next ones are refused without comparison."""
    source_blocks = await count_against_source(uow)
    account_id = attempt.account.id if attempt.account else None
    await audit.record_refusal(uow, attempt.event, account_id, reason=reason)
    if attempt.blocks or (source_blocks and not attempt.bucket.is_known):
        await audit.record_refusal(uow, attempt.event, account_id, reason=TooManyAttempts.code)
    return WrongCredentials() if attempt.event is Event.SIGN_IN_PASSWORD else WrongPassword()


async def _refuse_replaced(uow: UnitOfWork, attempt: PasswordAttempt, account_id: str) -> Problem:
    """Refuse a password that was correct until now. A password change that was sent twice is not recorded."""
    if attempt.event is not Event.PASSWORD_CHANGED:
        await audit.record_refusal(uow, attempt.event, account_id, reason="credentials_changed")
    return WrongCredentials() if attempt.event is Event.SIGN_IN_PASSWORD else PasswordReplaced()


async def count_against_source(uow: UnitOfWork) -> bool:
    """Count a wrong attempt of the client's address; return whether that blocks it for a while."""
    key, rates = source_key(uow), uow.site.config.limit_source
    counted = throttle.with_attempt(await throttle.lock(uow.tx, key), rates, uow.now)
    await throttle.save(uow.tx, key, counted)
    return throttle.blocked_until(counted, rates, uow.now) is not None


def source_key(uow: UnitOfWork) -> str:
    """Return the key of the tally for the client's address; IPv6 addresses count by their /64."""
    return f"source:{uow.caller.source_network}"


def source_share(uow: UnitOfWork) -> str:
    """Return the name of the client's share in a tally; it is keyed, so that no client can choose another's."""
    return uow.site.keys.mac("share", uow.caller.source_network)[:16]


def _bucket(uow: UnitOfWork, email: str, browser_id: str | None) -> Bucket:
    key = _key(uow, email)
    return Bucket(_known_key(key), browser_id, True) if browser_id else Bucket(key, source_share(uow), False)


def _known_key(key: str) -> str:
    return f"{key}:known"


def _key(uow: UnitOfWork, email: str) -> str:
    return f"password:{uow.site.keys.mac('throttle', email)}"
