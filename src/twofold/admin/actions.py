"""What administrators do with accounts. They never see or choose a password, a secret or a code."""

from dataclasses import dataclass

from twofold.accounts import actions as accounts
from twofold.accounts import links, owners, password_check, store
from twofold.accounts.composed import stored_form
from twofold.accounts.consequences import Change
from twofold.accounts.endings import apply_consequences
from twofold.accounts.rules import Account, normal_email
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.database.mutex import acquire_mutex
from twofold.base.problems import Conflict, NotFound
from twofold.base.texts import N_
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors import actions as factors
from twofold.factors.rules import TwoFactor
from twofold.factors.wrong_codes import lift_limits
from twofold.password.actions import RESET
from twofold.signup.actions import INVITATION


class NoSuchAccount(NotFound):
    """There is no account with this address."""

    title = N_("There is no account with this email address")
    text = N_("There is no account with this email address. To see all accounts, run `twofold account list`.")


@dataclass(frozen=True, slots=True)
class Overview:
    """An account and how it signs in."""

    account: Account
    two_factor: TwoFactor


async def lock_account(uow: UnitOfWork, email: str) -> Account:
    """Return an account, and lock it until this transaction ends. Raise NoSuchAccount."""
    account = await store.by_email(uow.tx, await stored_form(uow, email))
    locked = await store.find_for_update(uow.tx, account.id) if account else None
    if locked is None:
        raise NoSuchAccount
    return locked


async def listed(uow: UnitOfWork, *, after: str = "", limit: int = 1000) -> list[Overview]:
    """Return accounts by email address."""
    accounts = await store.all_accounts(uow.tx, after=after, limit=limit)
    return [Overview(account, await factors.two_factor(uow, account.id)) for account in accounts]


async def show(uow: UnitOfWork, email: str) -> Overview:
    """Return one account. Raise NoSuchAccount."""
    account = await store.by_email(uow.tx, await stored_form(uow, email))
    if account is None:
        raise NoSuchAccount
    return Overview(account, await factors.two_factor(uow, account.id))


async def invite(uow: UnitOfWork, email: str) -> str:
    """Return the token of an invitation. Raise Conflict for a known address."""
    address = normal_email(email)
    await acquire_mutex(uow.tx, INVITATION)
    if await store.by_email(uow.tx, address):
        raise Conflict(N_("There is already an account with this email address."))
    await audit.record(uow, Event.ACCOUNT_INVITED, None)
    return await links.create_for_address(uow, INVITATION, address)


async def create_password_reset_link(uow: UnitOfWork, email: str) -> str:
    """Return the token of a link for setting a new password. Raise NoSuchAccount."""
    account = await lock_account(uow, email)
    await audit.record(uow, Event.PASSWORD_RESET_OFFERED, account.id)
    return await links.create_for_account(uow, RESET, account, by_administrator=True)


async def reset_two_factor(uow: UnitOfWork, email: str) -> None:
    """Remove every factor and the recovery code; the password alone signs in again. Raise NoSuchAccount."""
    account = await lock_account(uow, email)
    await factors.reset(uow, account)
    await lift_limits(uow, account.id)  # wrong codes for removed factors must not block new ones


async def unlock(uow: UnitOfWork, email: str) -> None:
    """Clear the limits of an account, and used time steps that lie in the future. Raise NoSuchAccount."""
    account = await lock_account(uow, email)
    await password_check.lift_limits(uow, account)
    await lift_limits(uow, account.id)
    await factors.reset_future_state(uow, account)
    await audit.record(uow, Event.ACCOUNT_UNLOCKED, account.id)


async def disable(uow: UnitOfWork, email: str) -> None:
    """Disable an account. Raise NoSuchAccount or LastOwner."""
    account = await lock_account(uow, email)
    await store.set_disabled(uow.tx, account.id, uow.now)
    await apply_consequences(uow, Change.DISABLED_BY_ADMINISTRATOR, account.id)
    await audit.record(uow, Event.ACCOUNT_DISABLED, account.id)
    await owners.require_one_besides(uow.tx, account)


async def confirm_email(uow: UnitOfWork, email: str) -> None:
    """Confirm the address of an account on the operator's word. Raise NoSuchAccount."""
    account = await lock_account(uow, email)
    await accounts.prove_email(uow, account.id, account.email)


async def enable(uow: UnitOfWork, email: str) -> None:
    """Enable an account again. Raise NoSuchAccount."""
    account = await lock_account(uow, email)
    await store.set_disabled(uow.tx, account.id, None)
    await audit.record(uow, Event.ACCOUNT_ENABLED, account.id)


async def sign_out(uow: UnitOfWork, email: str) -> None:
    """End every session and trusted computer of an account. Raise NoSuchAccount."""
    account = await lock_account(uow, email)
    await apply_consequences(uow, Change.SIGNED_OUT_BY_ADMINISTRATOR, account.id)
    await audit.record(uow, Event.ALL_SESSIONS_ENDED, account.id)
