"""Create accounts. Passwords are hashed before the transaction that consumes the link."""

from dataclasses import dataclass

from twofold.accounts import actions as accounts
from twofold.accounts import links, mails, store
from twofold.accounts.browsers import actions as browsers
from twofold.accounts.rules import Account, WrongPassword, check_new_password, normal_email
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base import throttle
from twofold.base.database.mutex import acquire_mutex
from twofold.base.languages import speaking
from twofold.base.letters import Letter
from twofold.base.problems import Conflict, Problem, TooManyRequests
from twofold.base.texts import N_, _
from twofold.base.throttle import Tally
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Role
from twofold.sessions import actions as sessions
from twofold.sessions.actions import Token
from twofold.sessions.rules import password_proof

FIRST_ADMINISTRATOR = "first_administrator"
INVITATION = "invitation"
_SIGN_UP = "sign_up"


class RegistrationClosed(Problem):
    """Sign-up without an invitation is not permitted."""

    code, status = "not_allowed", 403
    title = N_("Sign-up is closed here")
    text = N_("Ask an administrator of this service for an account.")


@dataclass(frozen=True, slots=True)
class FirstSignIn:
    """The first session of a new account, and the token of its browser."""

    session: Token
    browser: str


async def sign_up(runner: Runner, email: str, password: str) -> Account | None:
    """Create an account. If mail is configured, mail a link to verify the address instead, and return None.

    Raise RegistrationClosed, InvalidRequest, Conflict, TooManyAttempts or Unavailable.
    """
    if runner.site.config.registration != "open":
        raise RegistrationClosed
    await runner.read(_check_limit)  # refuse without a write over the limit
    await runner.write(_count)  # before any check, since refused attempts count too
    address, password_hash = await _checked(runner, email, password)
    if runner.site.config.mails_links:
        return await runner.write(_mail_link, address, password_hash)
    return await runner.write(accounts.create, address, password_hash, email_proven=False)


async def signed_up_address(uow: UnitOfWork, token: str) -> str | None:
    """Return the address that a sign-up link verifies, without consuming the link. Raise LinkGone."""
    return (await links.find(uow, _SIGN_UP, token)).email


async def finish_sign_up(runner: Runner, token: str, password: str) -> Account:
    """Create the account with the mailed link and the chosen password, which prove both the sign-up and the mailbox.

    Raise LinkGone, WrongCredentials, Conflict or Unavailable.
    """
    grant = await runner.read(links.find, _SIGN_UP, token)
    async with runner.turn(grant.email or ""):
        grant = await runner.write(links.count_attempt, _SIGN_UP, token)
        if not await runner.site.passwords.verify(grant.password_hash, password):
            raise WrongPassword
    return await runner.write(_finish_sign_up, token)


async def invited_address(uow: UnitOfWork, token: str) -> str | None:
    """Return the address of an invitation, without consuming it. Raise LinkGone."""
    return (await links.find(uow, INVITATION, token)).email


async def accept_invitation(runner: Runner, token: str, password: str) -> Account:
    """Create the account of an invitation. Raise LinkGone, InvalidRequest, Conflict or Unavailable."""
    email = await runner.read(invited_address, token)
    _, password_hash = await _checked(runner, email or "", password)
    return await runner.write(_accept, token, password_hash)


async def check_first_administrator(uow: UnitOfWork, token: str) -> None:
    """Raise LinkGone if a set-up link is not valid. The link is not consumed."""
    await links.find(uow, FIRST_ADMINISTRATOR, token)
    if await store.has_owner(uow.tx):
        raise links.LinkGone


async def set_up(runner: Runner, token: str, email: str, password: str) -> Account:
    """Create the first administrator. Raise LinkGone, InvalidRequest, Conflict or Unavailable."""
    await runner.read(check_first_administrator, token)
    address, password_hash = await _checked(runner, email, password)
    return await runner.write(_set_up, token, address, password_hash)


async def add(runner: Runner, email: str, password: str, *, administrator: bool) -> Account:
    """Create an account as the operator; the first administrator is an owner.

    Raise InvalidRequest, Conflict or Unavailable.
    """
    address, password_hash = await _checked(runner, email, password)
    return await runner.write(_add, address, password_hash, administrator=administrator)


async def sign_in(uow: UnitOfWork, account: Account, browser: str | None, old_session: str | None) -> FirstSignIn:
    """Sign in a new account in its browser, and end the browser's old session."""
    proofs = [password_proof(uow.now)]
    session = await sessions.start(uow, account.id, proofs, unlocked=True, earlier=old_session)
    return FirstSignIn(session, await browsers.remember_browser(uow, account.id, browser))


async def first_administrator_link(uow: UnitOfWork) -> str | None:
    """Return the token of a new set-up link, which replaces the old one, or None if there is an administrator."""
    await acquire_mutex(uow.tx, FIRST_ADMINISTRATOR)
    if await store.has_owner(uow.tx):
        return None
    return await links.create_for_anyone(uow, FIRST_ADMINISTRATOR)


async def _check_limit(uow: UnitOfWork) -> None:
    refused = _over_limit(uow, await throttle.peek(uow.tx, _key(uow)))
    if refused:
        raise refused


async def _count(uow: UnitOfWork) -> TooManyRequests | None:
    tally = await throttle.lock(uow.tx, _key(uow))
    refused = _over_limit(uow, tally)
    if refused is None:
        counted = throttle.with_attempt(tally, uow.site.config.limit_sign_ups, uow.now)
        await throttle.save(uow.tx, _key(uow), counted)
    return refused


def _over_limit(uow: UnitOfWork, tally: Tally) -> TooManyRequests | None:
    until = throttle.blocked_until(tally, uow.site.config.limit_sign_ups, uow.now)
    return TooManyRequests(retry_at=until, now=uow.now) if until else None


def _key(uow: UnitOfWork) -> str:
    return f"sign_up:{uow.caller.source_network}"


async def _checked(runner: Runner, email: str, password: str) -> tuple[str, str]:
    config, address = runner.site.config, normal_email(email)
    check_new_password(password, field="password", least=config.password_min, email=address, site_name=config.site_name)
    async with runner.turn(address):
        return address, await runner.site.passwords.hash(password)


async def _mail_link(uow: UnitOfWork, address: str, password_hash: str) -> None:
    """Mail a link, a notice if the address has an account, or nothing over the limit. The answer is always the same."""
    if await mails.count_mail(uow, "sign_up", address):
        return
    token = await links.create_for_address(uow, _SIGN_UP, address, password_hash=password_hash)
    known = await store.by_email(uow.tx, address)
    with speaking(uow, known.locale if known else None):
        await mails.send(uow, address, mails.address_taken(uow) if known else _letter(uow, token))
    if known:
        await audit.record_refusal(uow, Event.ACCOUNT_CREATED, known.id, reason=Conflict.code)


async def _finish_sign_up(uow: UnitOfWork, token: str) -> Account | Problem:
    grant = await links.consume(uow, _SIGN_UP, token)
    return await accounts.create(uow, grant.email or "", grant.password_hash or "", email_proven=True)


def _letter(uow: UnitOfWork, token: str) -> Letter:
    site_name = uow.site.config.site_name
    return Letter(
        _("Confirm your email address - {site_name}").format(site_name=site_name),
        (
            _("Someone signed up at {site_name} with this email address.").format(site_name=site_name),
            _("If this was you, open this link within one hour and enter the password you chose:"),
            mails.link(uow, f"/sign-up/{token}"),
            _("If this was not you, you can ignore this email. No account is created without that password."),
        ),
    )


async def _accept(uow: UnitOfWork, token: str, password_hash: str) -> Account:
    grant = await links.consume(uow, INVITATION, token)
    return _require_created(await accounts.create(uow, grant.email or "", password_hash, email_proven=True))


async def _set_up(uow: UnitOfWork, token: str, address: str, password_hash: str) -> Account:
    await acquire_mutex(uow.tx, FIRST_ADMINISTRATOR)
    await links.consume(uow, FIRST_ADMINISTRATOR, token)
    if await store.has_owner(uow.tx):
        raise links.LinkGone
    return _require_created(await accounts.create(uow, address, password_hash, email_proven=True, role=Role.OWNER))


async def _add(uow: UnitOfWork, address: str, password_hash: str, *, administrator: bool) -> Account | Problem:
    role = Role.MEMBER
    if administrator:
        await acquire_mutex(uow.tx, FIRST_ADMINISTRATOR)
        role = Role.ADMIN if await store.has_owner(uow.tx) else Role.OWNER
    return await accounts.create(uow, address, password_hash, email_proven=True, role=role)


def _require_created(account: Account | Problem) -> Account:
    if isinstance(account, Problem):
        raise account  # rolls back, so that a sign-up with the same address does not consume an invitation
    return account
