"""Making accounts. The hash is made before the transaction; limits and links are used up inside it."""

from dataclasses import dataclass

from twofold.accounts import actions as accounts
from twofold.accounts import links, store
from twofold.accounts.rules import Account, check_new_password, normal_email
from twofold.base import throttle
from twofold.base.acts import Act, Acts
from twofold.base.problems import Problem, TooManyAttempts
from twofold.base.texts import N_
from twofold.base.throttle import Tally
from twofold.sessions import actions as sessions
from twofold.sessions.actions import Token

FIRST_ADMINISTRATOR = "first_administrator"
INVITATION = "invitation"


class RegistrationClosed(Problem):
    """Nobody may sign up on their own here."""

    code, status = "registration_closed", 403
    title = N_("Sign-up is closed here")
    text = N_("Ask an administrator of this service for an account.")


@dataclass(frozen=True, slots=True)
class Welcome:
    """A new account's first session, and the mark of its browser."""

    session: Token
    browser: str


async def sign_up(acts: Acts, email: str, password: str) -> Account:
    """Make an account for anybody.

    Raises RegistrationClosed, InvalidRequest, Conflict, TooManyAttempts, Unavailable.
    """
    if acts.site.config.registration != "open":
        raise RegistrationClosed
    await acts.read(_check_limit)  # before the hash: who is over the limit may not fill the queue that all wait in
    address, password_hash = await _checked(acts, email, password)
    return await acts.write(_sign_up, address, password_hash)


async def invited_address(act: Act, token: str) -> str | None:
    """Tell whom an invitation is for, without using it up. Raises LinkGone."""
    return await links.address(act, INVITATION, token)


async def accept_invitation(acts: Acts, token: str, password: str) -> Account:
    """Make the account that an invitation is for. Raises LinkGone, InvalidRequest, Conflict, Unavailable."""
    email = await acts.read(invited_address, token)
    _, password_hash = await _checked(acts, email or "", password)
    return await acts.write(_accept, token, password_hash)


async def check_first_administrator(act: Act, token: str) -> None:
    """Tell whether a set-up link still works, without using it up. Raises LinkGone."""
    await links.address(act, FIRST_ADMINISTRATOR, token)


async def set_up(acts: Acts, token: str, email: str, password: str) -> Account:
    """Make the first administrator; the link is used up. Raises LinkGone, InvalidRequest, Conflict, Unavailable."""
    await acts.read(check_first_administrator, token)
    address, password_hash = await _checked(acts, email, password)
    return await acts.write(_set_up, token, address, password_hash)


async def add(acts: Acts, email: str, password: str, *, administrator: bool) -> Account:
    """Make an account as the operator. Raises InvalidRequest, Conflict, Unavailable."""
    address, password_hash = await _checked(acts, email, password)
    return await acts.write(accounts.create, address, password_hash, administrator=administrator)


async def welcome(act: Act, account: Account, browser: str | None, old_session: str | None) -> Welcome:
    """Sign in whoever has just made an account in a browser; who was signed in there before is signed out."""
    if old_session:
        await sessions.end_token(act, old_session)
    session = await sessions.start(act, account, ("password",), unlocked=True)
    return Welcome(session, await accounts.recognise_browser(act, account.id, browser))


async def first_administrator_link(act: Act) -> str | None:
    """Make the secret of a new set-up link while there is no administrator; the older one dies."""
    if await store.has_administrator(act.tx):
        return None
    return await links.make_for_address(act, FIRST_ADMINISTRATOR, None)


async def _checked(acts: Acts, email: str, password: str) -> tuple[str, str]:
    config, address = acts.site.config, normal_email(email)
    check_new_password(password, field="password", least=config.password_min, email=address, site_name=config.site_name)
    return address, await acts.site.passwords.hash(password)


async def _check_limit(act: Act) -> None:
    refused = _over_limit(act, await throttle.peek(act.tx, _key(act)))
    if refused:
        raise refused


async def _sign_up(act: Act, address: str, password_hash: str) -> Account | Problem:
    tally = await throttle.hold(act.tx, _key(act))
    refused = _over_limit(act, tally)
    if refused:
        return refused
    await throttle.save(act.tx, _key(act), throttle.with_attempt(tally, act.site.config.limit_sign_ups, act.now))
    return await accounts.create(act, address, password_hash)


def _over_limit(act: Act, tally: Tally) -> TooManyAttempts | None:
    until = throttle.blocked_until(tally, act.site.config.limit_sign_ups, act.now)
    return TooManyAttempts(retry_at=until, now=act.now) if until else None


def _key(act: Act) -> str:
    return f"sign_up:{act.origin.source_network}"


async def _accept(act: Act, token: str, password_hash: str) -> Account | Problem:
    email = await links.spend_for_address(act, INVITATION, token)
    return await accounts.create(act, email or "", password_hash)


async def _set_up(act: Act, token: str, address: str, password_hash: str) -> Account:
    await links.spend_for_address(act, FIRST_ADMINISTRATOR, token)
    if await store.has_administrator(act.tx):
        raise links.LinkGone
    made = await accounts.create(act, address, password_hash, administrator=True)
    if isinstance(made, Problem):
        raise made  # the link must not be used up for nothing
    return made
