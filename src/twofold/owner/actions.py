"""Changing the account's address, and closing the account. Both need unlocked settings: every proof given just now."""

from twofold.accounts import links, mails, store
from twofold.accounts.links import LinkGone
from twofold.accounts.rules import Account, Change, normal_email
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act, Acts
from twofold.base.database import Conflict as TakenValue
from twofold.base.languages import spoken
from twofold.base.letters import Letter
from twofold.base.problems import Conflict, Problem
from twofold.base.texts import N_, _
from twofold.base.throttle import forget_all
from twofold.base.visitor import Need, Visitor
from twofold.sessions import actions as sessions

_CHANGE = "change_email"
_STILL_TOLD = 7 * 86400  # seconds that notices reach the old address, too


class AddressTaken(Conflict):
    """Another account has this address."""

    def __init__(self) -> None:
        super().__init__(N_("There is already an account with this email. Use another one."))


class LastAdministrator(Conflict):
    """Nobody could administer the service any more."""

    def __init__(self) -> None:
        super().__init__(
            N_("You are the only administrator. Make another one first: run `twofold account add EMAIL --admin`.")
        )


async def start_change(act: Act, visitor: Visitor, email: str) -> Problem | None:
    """Mail a link to a new address. Whether somebody has that address is told to its owner alone.

    Raises InvalidRequest, Conflict; gives TooManyAttempts.
    """
    address = normal_email(email)
    account = await store.hold(act.tx, visitor.account_id)
    if account is None or address == account.email:
        raise Conflict(N_("This is your email already. Enter the new one."), at="email")
    refused = await mails.take(act, "change", account.id) or await mails.take(act, "change", address)
    if refused:
        return refused
    token = await links.make_for_account(act, _CHANGE, account, email=address)
    known = await store.by_email(act.tx, address)
    with spoken(act, (known or account).locale):
        await mails.send(act, address, mails.taken(act) if known else _change_letter(act, token))
    await audit.record(act, Event.EMAIL_CHANGE_STARTED, account.id)
    return None


async def new_address(act: Act, visitor: Visitor, token: str) -> str:
    """Tell which address a link is for, without using it up. Raises LinkGone."""
    _account, address = _of(visitor, await links.look(act, _CHANGE, token))
    return address


async def finish_change(acts: Acts, session_token: str, token: str) -> None:
    """Give the account its new address by the mailed link; trusted computers and other sessions end.

    Raises LinkGone, Conflict, LockedSettings.
    """
    try:
        await acts.write(_finish, session_token, token)
    except TakenValue:
        raise AddressTaken from None
    except LinkGone:
        await acts.write(_note_refusal, session_token)
        raise


async def close(act: Act, visitor: Visitor) -> None:
    """Close the account for good; its events stay. Raises Conflict for the last administrator."""
    await audit.record(act, Event.ACCOUNT_CLOSED, visitor.account_id)
    if not await store.delete(act.tx, visitor.account_id):
        raise LastAdministrator
    for kind in ("codes", "notice", "refusals"):
        await forget_all(act.tx, f"{kind}:{visitor.account_id}")


async def _finish(act: Act, session_token: str, token: str) -> None:
    visitor = await sessions.admit(act, session_token, Need.UNLOCKED)
    account, address = _of(visitor, await links.spend(act, _CHANGE, token))
    await store.set_email(act.tx, account, address, told_until=act.now + _STILL_TOLD)
    await sessions.carry_out(act, Change.ADDRESS_CHANGED, account.id, session_id=visitor.session_id)
    await audit.record(act, Event.EMAIL_CHANGED, account.id)


def _of(visitor: Visitor, promise: links.Promise) -> tuple[Account, str]:
    """Whoever holds the link must be the one who asked for it: the mailbox alone changes nothing."""
    if promise.account is None or promise.account.id != visitor.account_id or promise.email is None:
        raise LinkGone
    return promise.account, promise.email


async def _note_refusal(act: Act, session_token: str) -> None:
    visitor = await sessions.admit(act, session_token, Need.SIGNED_IN)
    await audit.record_cheap_refusal(act, Event.EMAIL_CHANGED, visitor.account_id, reason=LinkGone.code)


def _change_letter(act: Act, token: str) -> Letter:
    site_name = act.site.config.site_name
    return Letter(
        _("Confirm your new email - {site_name}").format(site_name=site_name),
        (
            _("Somebody wants to use this address for an account at {site_name}.").format(site_name=site_name),
            _("If it was you, open this link within one hour, in the browser where you are signed in:"),
            mails.page(act, f"/change-email/{token}"),
            _("If it was not you, there is nothing to do. The link is worth nothing without that account."),
        ),
    )
