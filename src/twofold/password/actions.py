"""Changing a password by the old one, or by a link that is mailed. Neither signs anybody in, neither lifts 2FA."""

from twofold.accounts import actions as accounts
from twofold.accounts import links, mails, store
from twofold.accounts.actions import PasswordTry
from twofold.accounts.links import LinkGone
from twofold.accounts.rules import (
    Account,
    Change,
    WrongCredentials,
    WrongPassword,
    check_new_password,
    normal_email,
)
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act, Acts
from twofold.base.languages import spoken
from twofold.base.letters import Letter
from twofold.base.outbox import withdraw
from twofold.base.problems import Problem
from twofold.base.texts import _
from twofold.base.visitor import Need, Visitor
from twofold.sessions import actions as sessions

RESET = "password_reset"


class WrongCurrentPassword(WrongPassword):
    """The current password is not right."""

    at = "current_password"


async def change(acts: Acts, visitor: Visitor, session_token: str, browser: str | None, current: str, new: str) -> None:
    """Change the password; trusted computers and other sessions end.

    Raises InvalidRequest, LockedSettings, TooManyAttempts, Unavailable, WrongCredentials.
    """
    _check(acts, visitor.email, new)
    new_hash = await acts.site.passwords.hash(new)  # first: a try that is counted is then decided without another wait
    tried = await accounts.try_password(
        acts, Event.PASSWORD_CHANGED, visitor.email, current, browser=browser, field="current_password"
    )
    await acts.write(_change, session_token, tried, new_hash)


async def ask_reset(act: Act, email: str) -> None:
    """Mail a link to whoever has this address. Raises InvalidRequest, and tells nothing else.

    Known, unknown and disabled addresses cost the same statements: an address that gets no mail has a link that nobody
    holds, and a message that is taken back. Over a limit nothing is done, whoever's the address.
    """
    address = normal_email(email)
    found = await store.by_email(act.tx, address)
    # Who changes the credentials kills the links that were mailed: the owner may ask afresh.
    key = f"{address} {found.stamp if found else 0}"
    if not await mails.take_from_source(act, "reset") or await mails.take(act, "reset", key):
        return
    account = await store.hold(act.tx, found.id if found else "")
    if account is None or account.disabled_at is not None:
        token = await links.make_for_address(act, RESET, address)
    else:
        token = await links.make_for_account(act, RESET, account)
    with spoken(act, account.locale if account else None):
        message_id = await mails.send(act, address, _letter(act, token))
    if account is None:
        await withdraw(act, message_id)
    elif account.disabled_at is not None:
        await withdraw(act, message_id)
        await audit.record_refusal(act, Event.PASSWORD_RESET_ASKED, account.id, reason="disabled")
    else:
        await audit.record(act, Event.PASSWORD_RESET_ASKED, account.id)


async def link_owner(act: Act, token: str) -> Account:
    """Tell whose password a link resets, without using it up. Raises LinkGone."""
    return _owner(await links.look(act, RESET, token))


async def reset(acts: Acts, token: str, new: str) -> None:
    """Set a new password by a link, which is used up; all sessions end.

    Raises LinkGone, InvalidRequest, Unavailable.
    """
    try:
        account = await acts.read(link_owner, token)
        _check(acts, account.email, new)
        await acts.write(_reset, token, await acts.site.passwords.hash(new))
    except LinkGone:
        await acts.write(_bury, token)
        raise


def _owner(promise: links.Promise) -> Account:
    if promise.account is None:
        raise LinkGone
    return promise.account


async def _bury(act: Act, token: str) -> None:
    account_id = await links.bury(act, RESET, token)
    if account_id is not None:
        await audit.record_refusal(act, Event.PASSWORD_RESET, account_id, reason=LinkGone.code)


def _letter(act: Act, token: str) -> Letter:
    site_name = act.site.config.site_name
    return Letter(
        _("Choose a new password for {site_name}").format(site_name=site_name),
        (
            _("Somebody asked for a new password for your account at {site_name}.").format(site_name=site_name),
            _("If it was you, open this link within one hour. It works once:"),
            mails.page(act, f"/reset-password/{token}"),
            _("Two-factor authentication stays as it is: you will be asked for a code as before."),
            _("If it was not you, there is nothing to do. Your password is unchanged."),
        ),
    )


def _check(acts: Acts, email: str, new: str) -> None:
    config = acts.site.config
    check_new_password(new, field="new_password", least=config.password_min, email=email, site_name=config.site_name)


async def _change(act: Act, session_token: str, tried: PasswordTry, new_hash: str) -> Problem | None:
    visitor = await sessions.admit(act, session_token, Need.UNLOCKED)
    account = await accounts.decide(act, tried)
    if isinstance(account, Problem):
        return WrongCurrentPassword() if isinstance(account, WrongCredentials) else account
    await store.set_password(act.tx, account.id, new_hash, seen_stamp=account.stamp)
    await sessions.carry_out(act, Change.PASSWORD_CHANGED, account.id, session_id=visitor.session_id)
    await audit.record(act, Event.PASSWORD_CHANGED, account.id)
    return None


async def _reset(act: Act, token: str, new_hash: str) -> None:
    account = _owner(await links.spend(act, RESET, token))
    await store.set_password(act.tx, account.id, new_hash, seen_stamp=account.stamp)
    await accounts.lift_limits(act, account)
    await sessions.carry_out(act, Change.PASSWORD_RESET, account.id)
    await audit.record(act, Event.PASSWORD_RESET, account.id)
