"""Confirm the email address of an account, and change it. Both require unlocked settings and a mailed link.

The link works only in a session of the same account: the mailbox alone must not confirm an account of someone else.
"""

from twofold.accounts import actions as accounts
from twofold.accounts import links, mails, owners, store
from twofold.accounts.consequences import Change
from twofold.accounts.endings import apply_consequences
from twofold.accounts.links import LinkGone
from twofold.accounts.rules import Account, normal_email
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.database import UniqueViolation
from twofold.base.languages import speaking
from twofold.base.letters import Letter
from twofold.base.problems import Conflict, Problem
from twofold.base.texts import N_, _
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.sessions import actions as sessions

_CHANGE = "change_email"
_CONFIRM = "confirm_email"
_FORMER_ADDRESS_NOTIFIED_FOR = 7 * 86400  # seconds that the old address also gets notices


class AddressTaken(Conflict):
    """Another account has this address."""

    def __init__(self) -> None:
        super().__init__(N_("There is already an account with this email address. Use another address."))


async def send_confirmation(uow: UnitOfWork, visitor: Visitor) -> Problem | None:
    """Mail a link to the visitor's address. Return TooManyAttempts if the limit is reached.

    Raise Conflict if the address is confirmed, or if mail proves nothing here.
    """
    account = await store.find_for_update(uow.tx, visitor.account_id)
    if account is None or account.email_proven_at is not None:
        raise Conflict(N_("Your email address is already confirmed."))
    if not uow.site.config.mail_proves_addresses:
        raise Conflict(N_("This service does not send email. Ask an administrator to confirm your address."))
    address = account.email
    refused = await mails.count_mail(uow, "confirm", account.id) or await mails.count_mail(uow, "confirm", address)
    if refused:
        return refused
    token = await links.create_for_account(uow, _CONFIRM, account, email=address)
    with speaking(uow, account.locale):
        await mails.send(uow, address, _confirmation_letter(uow, token))
    await audit.record(uow, Event.EMAIL_CONFIRMATION_SENT, account.id)
    return None


async def address_to_confirm(uow: UnitOfWork, visitor: Visitor, token: str) -> str:
    """Return the address that a link confirms, without consuming the link. Raise LinkGone."""
    _account, address = _requested(visitor, await links.find(uow, _CONFIRM, token))
    return address


async def confirm(runner: Runner, session_token: str, token: str) -> None:
    """Confirm the address with the mailed link. Raise LinkGone or LockedSettings."""
    try:
        await runner.write(_confirm, session_token, token)
    except LinkGone:
        await runner.write(_record_refusal, session_token, Event.EMAIL_CONFIRMED)
        raise


async def start_change(uow: UnitOfWork, visitor: Visitor, email: str) -> Problem | None:
    """Mail a link to a new address. If an account has that address, only its user is notified.

    Raise InvalidRequest or Conflict. Return TooManyAttempts if the limit is reached.
    """
    address = normal_email(email)
    account = await store.find_for_update(uow.tx, visitor.account_id)
    if account is None or address == account.email:
        raise Conflict(N_("This is already your email address. Enter a new one."), at="email")
    refused = await mails.count_mail(uow, "change", account.id) or await mails.count_mail(uow, "change", address)
    if refused:
        return refused
    token = await links.create_for_account(uow, _CHANGE, account, email=address)
    known = await store.by_email(uow.tx, address)
    with speaking(uow, (known or account).locale):
        await mails.send(uow, address, mails.address_taken(uow) if known else _change_letter(uow, token))
    await audit.record(uow, Event.EMAIL_CHANGE_STARTED, account.id)
    return None


async def new_address(uow: UnitOfWork, visitor: Visitor, token: str) -> str:
    """Return the new address of a link, without consuming the link. Raise LinkGone."""
    _account, address = _requested(visitor, await links.find(uow, _CHANGE, token))
    return address


async def finish_change(runner: Runner, session_token: str, token: str) -> None:
    """Change the address with the mailed link, and end trusted computers and other sessions.

    Raise LinkGone, Conflict or LockedSettings.
    """
    try:
        await runner.write(_finish_change, session_token, token)
    except UniqueViolation:
        raise AddressTaken from None
    except LinkGone:
        await runner.write(_record_refusal, session_token, Event.EMAIL_CHANGED)
        raise


async def _confirm(uow: UnitOfWork, session_token: str, token: str) -> None:
    visitor = await sessions.admit(uow, session_token, Access.UNLOCKED)
    account, address = _requested(visitor, await links.consume(uow, _CONFIRM, token))
    await accounts.prove_email(uow, account.id, address)


async def _finish_change(uow: UnitOfWork, session_token: str, token: str) -> None:
    visitor = await sessions.admit(uow, session_token, Access.UNLOCKED)
    account, address = _requested(visitor, await links.consume(uow, _CHANGE, token))
    await store.set_email(
        uow.tx,
        account,
        address,
        proven_at=uow.now if uow.site.config.mail_proves_addresses else None,
        notified_until=uow.now + _FORMER_ADDRESS_NOTIFIED_FOR,
    )
    await apply_consequences(uow, Change.ADDRESS_CHANGED, account.id, session_id=visitor.session_id)
    await audit.record(uow, Event.EMAIL_CHANGED, account.id)
    if account.email_proven_at is not None:
        await owners.require_one_besides(uow.tx, account)  # where mail proves nothing, the new address is not proven


def _requested(visitor: Visitor, grant: links.LinkGrant) -> tuple[Account, str]:
    """Return the account and address of a link. Raise LinkGone unless the visitor requested it."""
    if grant.account is None or grant.account.id != visitor.account_id or grant.email is None:
        raise LinkGone
    return grant.account, grant.email


async def _record_refusal(uow: UnitOfWork, session_token: str, event: Event) -> None:
    visitor = await sessions.admit(uow, session_token, Access.SIGNED_IN)
    await audit.record_cheap_refusal(uow, event, visitor.account_id, reason=LinkGone.code)


def _confirmation_letter(uow: UnitOfWork, token: str) -> Letter:
    site_name = uow.site.config.site_name
    return Letter(
        _("Confirm your email address - {site_name}").format(site_name=site_name),
        (
            _("Someone asked to confirm this email address for an account at {site_name}.").format(site_name=site_name),
            _("If this was you, open this link within one hour, in the browser where you are signed in:"),
            mails.link(uow, f"/confirm-email/{token}"),
            _(
                "If this was not you, you can ignore this email. The link works only for someone who is signed in "
                "to that account."
            ),
        ),
    )


def _change_letter(uow: UnitOfWork, token: str) -> Letter:
    site_name = uow.site.config.site_name
    return Letter(
        _("Confirm your new email address - {site_name}").format(site_name=site_name),
        (
            _("Someone asked to use this email address for an account at {site_name}.").format(site_name=site_name),
            _("If this was you, open this link within one hour, in the browser where you are signed in:"),
            mails.link(uow, f"/change-email/{token}"),
            _(
                "If this was not you, you can ignore this email. The link works only for someone who is signed in "
                "to that account."
            ),
        ),
    )
