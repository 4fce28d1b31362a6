"""Change a password, or reset it with a link. Neither signs the user in or turns off 2FA."""

from twofold.accounts import actions as accounts
from twofold.accounts import links, mails, password_check, store
from twofold.accounts.composed import stored_form
from twofold.accounts.consequences import Change
from twofold.accounts.endings import apply_consequences
from twofold.accounts.links import LinkGone
from twofold.accounts.password_check import PasswordAttempt
from twofold.accounts.rules import (
    Account,
    PasswordReplaced,
    WrongCredentials,
    WrongPassword,
    check_new_password,
)
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.languages import speaking
from twofold.base.letters import Letter
from twofold.base.outbox import withdraw
from twofold.base.problems import Problem
from twofold.base.texts import _
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.factors.wrong_codes import end_runs
from twofold.sessions import actions as sessions
from twofold.sessions.proofs import add_proof
from twofold.sessions.rules import password_proof

RESET = "password_reset"


class WrongCurrentPassword(WrongPassword):
    """The current password is wrong."""

    at = "current_password"


async def change(
    runner: Runner, visitor: Visitor, session_token: str, browser: str | None, current: str, new: str
) -> None:
    """Change the password, and end trusted computers and other sessions. The same change sent twice is made once.

    Raise InvalidRequest, LockedSettings, TooManyAttempts, Unavailable or WrongCredentials.
    """
    _check(runner, visitor.email, new)
    attempt = await password_check.attempt_password(
        runner,
        Event.PASSWORD_CHANGED,
        visitor.email,
        current,
        browser=browser,
        field="current_password",
        new_password=new,
    )
    try:
        await runner.write(_change, session_token, attempt)
    except PasswordReplaced:
        await _expect_changed(runner, visitor.email, new)


async def request_reset(runner: Runner, email: str) -> None:
    """Mail a reset link if an account has this address. Raise InvalidRequest; the answer reveals nothing else."""
    if await runner.read(_may_request, email):
        await runner.write(_request_reset, email)


async def _may_request(uow: UnitOfWork, email: str) -> bool:
    await stored_form(uow, email)
    return not await mails.is_source_over_limit(uow, "reset")


async def _request_reset(uow: UnitOfWork, email: str) -> None:
    """Create the link and the mail.

    Known, unknown and disabled addresses take the same statements: an address without mail gets a link whose token is
    discarded, and a message that is withdrawn. If a limit is reached, nothing is done for any address.
    """
    address = await stored_form(uow, email)
    known = await store.by_email(uow.tx, address)
    # A change of credentials invalidates mailed links, so the limit starts again for the user.
    key = f"{address} {known.stamp if known else 0}"
    if not await mails.count_request(uow, "reset") or await mails.count_mail(uow, "reset", key):
        return
    account = await store.find_for_update(uow.tx, known.id if known else "")
    if account is None or account.disabled_at is not None:
        token = await links.create_for_address(uow, RESET, address)
    else:
        token = await links.create_for_account(uow, RESET, account)
    with speaking(uow, account.locale if account else None):
        message_id = await mails.send(uow, address, _letter(uow, token))
    if account is None:
        await withdraw(uow, message_id)
    elif account.disabled_at is not None:
        await withdraw(uow, message_id)
        await audit.record_refusal(uow, Event.PASSWORD_RESET_ASKED, account.id, reason="disabled")
    else:
        await audit.record(uow, Event.PASSWORD_RESET_ASKED, account.id)


async def link_owner(uow: UnitOfWork, token: str) -> Account:
    """Return the account whose password a link resets, without consuming the link. Raise LinkGone."""
    return _owner(await links.find(uow, RESET, token))


async def reset(runner: Runner, token: str, new: str) -> None:
    """Set a new password with a link, consume the link, and end all sessions.

    Raise LinkGone, InvalidRequest or Unavailable.
    """
    try:
        account = await runner.read(link_owner, token)
        _check(runner, account.email, new)
        async with runner.turn(account.email):
            new_hash = await runner.site.passwords.hash(new)
        await runner.write(_reset, token, new_hash)
    except LinkGone:
        if await runner.read(links.exists, RESET, token):  # a made-up link causes no write
            await runner.write(_discard, token)
        raise


def _owner(grant: links.LinkGrant) -> Account:
    if grant.account is None:
        raise LinkGone
    return grant.account


async def _discard(uow: UnitOfWork, token: str) -> None:
    account_id = await links.discard(uow, RESET, token)
    if account_id is not None:
        await audit.record_refusal(uow, Event.PASSWORD_RESET, account_id, reason=LinkGone.code)


def _letter(uow: UnitOfWork, token: str) -> Letter:
    site_name = uow.site.config.site_name
    return Letter(
        _("Choose a new password for {site_name}").format(site_name=site_name),
        (
            _("Someone asked to reset the password for your account at {site_name}.").format(site_name=site_name),
            _("If this was you, open this link within one hour. It works once:"),
            mails.link(uow, f"/reset-password/{token}"),
            _("Two-factor authentication stays on: you will still be asked for a code."),
            _("If this was not you, you can ignore this email. Your password has not changed."),
        ),
    )


def _check(runner: Runner, email: str, new: str) -> None:
    config = runner.site.config
    check_new_password(new, field="new_password", least=config.password_min, email=email, site_name=config.site_name)


async def _expect_changed(runner: Runner, email: str, new: str) -> None:
    """Raise WrongCurrentPassword unless the session has just made this change by another request."""
    account = await runner.read(_account, email)
    async with runner.turn(email):
        changed = await runner.site.passwords.verify(account.password_hash if account else None, new)
    if not changed:
        raise WrongCurrentPassword


async def _account(uow: UnitOfWork, email: str) -> Account | None:
    return await store.by_email(uow.tx, email)


async def _change(uow: UnitOfWork, session_token: str, attempt: PasswordAttempt) -> Problem | None:
    visitor = await sessions.admit(uow, session_token, Access.UNLOCKED)
    account = await password_check.decide(uow, attempt)
    if isinstance(account, PasswordReplaced):
        return account
    if isinstance(account, Problem):
        return WrongCurrentPassword() if isinstance(account, WrongCredentials) else account
    assert attempt.new_hash is not None  # noqa: S101 - set if the current password was correct
    await store.set_password(uow.tx, account.id, attempt.new_hash, seen_stamp=account.stamp)
    await apply_consequences(uow, Change.PASSWORD_CHANGED, account.id, session_id=visitor.session_id)
    await add_proof(uow, visitor, password_proof(uow.now))
    await end_runs(uow, account.id)  # wrong codes could only be entered with the old password
    await audit.record(uow, Event.PASSWORD_CHANGED, account.id)
    return None


async def _reset(uow: UnitOfWork, token: str, new_hash: str) -> None:
    grant = await links.consume(uow, RESET, token)
    account = _owner(grant)
    await store.set_password(uow.tx, account.id, new_hash, seen_stamp=account.stamp)
    await password_check.lift_limits(uow, account)
    await apply_consequences(uow, Change.PASSWORD_RESET, account.id)
    await audit.record(uow, Event.PASSWORD_RESET, account.id)
    if uow.site.config.mail_proves_addresses and not grant.by_administrator:
        await accounts.prove_email(uow, account.id, account.email)
