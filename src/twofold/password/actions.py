"""Changing a password by the old one, or by a link. Neither signs anybody in, neither lifts 2FA."""

from twofold.accounts import actions as accounts
from twofold.accounts import links, store
from twofold.accounts.actions import PasswordTry
from twofold.accounts.rules import Account, Change, WrongCredentials, WrongPassword, check_new_password
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act, Acts
from twofold.base.problems import Problem
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


async def link_owner(act: Act, token: str) -> Account:
    """Tell whose password a link resets, without using it up. Raises LinkGone."""
    return await links.owner(act, RESET, token)


async def reset(acts: Acts, token: str, new: str) -> None:
    """Set a new password by a link, which is used up; all sessions end.

    Raises LinkGone, InvalidRequest, Unavailable.
    """
    account = await acts.read(link_owner, token)
    _check(acts, account.email, new)
    await acts.write(_reset, token, await acts.site.passwords.hash(new))


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
    account = await links.spend_for_account(act, RESET, token)
    await store.set_password(act.tx, account.id, new_hash, seen_stamp=account.stamp)
    await accounts.lift_limits(act, account)
    await sessions.carry_out(act, Change.PASSWORD_RESET, account.id)
    await audit.record(act, Event.PASSWORD_RESET, account.id)
