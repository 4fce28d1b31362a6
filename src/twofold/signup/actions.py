"""Making accounts. The hash is made before the transaction; limits and links are used up inside it."""

from dataclasses import dataclass

from twofold.accounts import actions as accounts
from twofold.accounts import links, mails, store
from twofold.accounts.rules import Account, WrongPassword, check_new_password, normal_email
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import throttle
from twofold.base.acts import Act, Acts
from twofold.base.languages import spoken
from twofold.base.letters import Letter
from twofold.base.problems import Conflict, Problem, TooManyAttempts
from twofold.base.texts import N_, _
from twofold.base.throttle import Tally
from twofold.sessions import actions as sessions
from twofold.sessions.actions import Token

FIRST_ADMINISTRATOR = "first_administrator"
INVITATION = "invitation"
_SIGN_UP = "sign_up"


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


async def sign_up(acts: Acts, email: str, password: str) -> Account | None:
    """Make an account for anybody; where mail is configured, only mail a link that proves the address (None).

    Raises RegistrationClosed, InvalidRequest, Conflict, TooManyAttempts, Unavailable.
    """
    if acts.site.config.registration != "open":
        raise RegistrationClosed
    await acts.read(_check_limit)  # before the hash: who is over the limit may not fill the queue that all wait in
    address, password_hash = await _checked(acts, email, password)
    if acts.site.config.mails_links:
        return await acts.write(_offer, address, password_hash)
    return await acts.write(_sign_up, address, password_hash)


async def check_sign_up(act: Act, token: str) -> None:
    """Tell whether the link of a sign-up still works, without using it up. Raises LinkGone."""
    await links.look(act, _SIGN_UP, token)


async def finish_sign_up(acts: Acts, token: str, password: str) -> Account:
    """Make the account by the mailed link and the password that was chosen: who signed up, and who has the mailbox.

    Raises LinkGone, WrongCredentials, Conflict, Unavailable.
    """
    passwords = acts.site.passwords
    with passwords.place():
        promise = await acts.write(links.begin_try, _SIGN_UP, token)
        if not await passwords.verify_in_place(promise.password_hash, password):
            raise WrongPassword
    return await acts.write(_finish_sign_up, token)


async def invited_address(act: Act, token: str) -> str | None:
    """Tell whom an invitation is for, without using it up. Raises LinkGone."""
    return (await links.look(act, INVITATION, token)).email


async def accept_invitation(acts: Acts, token: str, password: str) -> Account:
    """Make the account that an invitation is for. Raises LinkGone, InvalidRequest, Conflict, Unavailable."""
    email = await acts.read(invited_address, token)
    _, password_hash = await _checked(acts, email or "", password)
    return await acts.write(_accept, token, password_hash)


async def check_first_administrator(act: Act, token: str) -> None:
    """Tell whether a set-up link still works, without using it up. Raises LinkGone."""
    await links.look(act, FIRST_ADMINISTRATOR, token)


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
    session = await sessions.start(act, account.id, ("password",), unlocked=True)
    return Welcome(session, await accounts.recognise_browser(act, account.id, browser))


async def first_administrator_link(act: Act) -> str | None:
    """Make the secret of a new set-up link while there is no administrator; the older one dies."""
    if await store.has_administrator(act.tx):
        return None
    return await links.make_for_anybody(act, FIRST_ADMINISTRATOR)


async def _checked(acts: Acts, email: str, password: str) -> tuple[str, str]:
    config, address = acts.site.config, normal_email(email)
    check_new_password(password, field="password", least=config.password_min, email=address, site_name=config.site_name)
    return address, await acts.site.passwords.hash(password)


async def _check_limit(act: Act) -> None:
    refused = _over_limit(act, await throttle.peek(act.tx, _key(act)))
    if refused:
        raise refused


async def _sign_up(act: Act, address: str, password_hash: str) -> Account | Problem:
    return await _count(act) or await accounts.create(act, address, password_hash)


async def _offer(act: Act, address: str, password_hash: str) -> Problem | None:
    """Mail a link, or tell the owner of a known address; over the limit of mails do nothing, and answer the same."""
    refused = await _count(act)
    if refused or await mails.take(act, "sign_up", address):
        return refused
    token = await links.make_for_address(act, _SIGN_UP, address, password_hash=password_hash)
    known = await store.by_email(act.tx, address)
    with spoken(act, known.locale if known else None):
        await mails.send(act, address, mails.taken(act) if known else _letter(act, token))
    if known:
        await audit.record_refusal(act, Event.ACCOUNT_CREATED, known.id, reason=Conflict.code)
    return None


async def _finish_sign_up(act: Act, token: str) -> Account | Problem:
    promise = await links.spend(act, _SIGN_UP, token)
    return await accounts.create(act, promise.email or "", promise.password_hash or "")


def _letter(act: Act, token: str) -> Letter:
    site_name = act.site.config.site_name
    return Letter(
        _("Confirm your email - {site_name}").format(site_name=site_name),
        (
            _("Somebody wants to make an account at {site_name} with this address.").format(site_name=site_name),
            _("If it was you, open this link within one hour, and enter the password that you chose:"),
            mails.page(act, f"/sign-up/{token}"),
            _("If it was not you, there is nothing to do: there is no account without that password."),
        ),
    )


async def _count(act: Act) -> TooManyAttempts | None:
    tally = await throttle.hold(act.tx, _key(act))
    refused = _over_limit(act, tally)
    if refused is None:
        counted = throttle.with_attempt(tally, act.site.config.limit_sign_ups, act.now)
        await throttle.save(act.tx, _key(act), counted)
    return refused


def _over_limit(act: Act, tally: Tally) -> TooManyAttempts | None:
    until = throttle.blocked_until(tally, act.site.config.limit_sign_ups, act.now)
    return TooManyAttempts(retry_at=until, now=act.now) if until else None


def _key(act: Act) -> str:
    return f"sign_up:{act.origin.source_network}"


async def _accept(act: Act, token: str, password_hash: str) -> Account | Problem:
    promise = await links.spend(act, INVITATION, token)
    return await accounts.create(act, promise.email or "", password_hash)


async def _set_up(act: Act, token: str, address: str, password_hash: str) -> Account:
    await links.spend(act, FIRST_ADMINISTRATOR, token)
    if await store.has_administrator(act.tx):
        raise links.LinkGone
    made = await accounts.create(act, address, password_hash, administrator=True)
    if isinstance(made, Problem):
        raise made  # the link must not be used up for nothing
    return made
