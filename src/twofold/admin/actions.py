"""Helping and hindering accounts. An administrator never learns or chooses a password, a secret or a code."""

from dataclasses import dataclass

from twofold.accounts import actions as accounts
from twofold.accounts import links, store
from twofold.accounts.rules import Account, Change, normal_email
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act
from twofold.base.problems import Conflict, NotFound
from twofold.base.texts import N_
from twofold.factors import actions as factors
from twofold.factors.proofs import lift_limits
from twofold.factors.rules import TwoFactor
from twofold.password.actions import RESET
from twofold.sessions.actions import carry_out
from twofold.signup.actions import INVITATION


class NoSuchAccount(NotFound):
    """There is no account with this address."""

    title = N_("There is no account with this email.")
    text = N_("There is no account with this email. `twofold account list` shows all.")


@dataclass(frozen=True, slots=True)
class Overview:
    """An account and how it signs in."""

    account: Account
    two_factor: TwoFactor


async def listed(act: Act, *, after: str = "", limit: int = 1000) -> list[Overview]:
    """List accounts by address."""
    found = await store.all_accounts(act.tx, after=after, limit=limit)
    return [Overview(account, await factors.two_factor(act, account.id)) for account in found]


async def show(act: Act, email: str) -> Overview:
    """Show one account. Raises NoSuchAccount."""
    account = await store.by_email(act.tx, normal_email(email))
    if account is None:
        raise NoSuchAccount
    return Overview(account, await factors.two_factor(act, account.id))


async def invite(act: Act, email: str) -> str:
    """Make the secret of an invitation. Raises Conflict for a known address."""
    address = normal_email(email)
    if await store.by_email(act.tx, address):
        raise Conflict(N_("There is already an account with this email."))
    await audit.record(act, Event.ACCOUNT_INVITED, None)
    return await links.make_for_address(act, INVITATION, address)


async def offer_password_reset(act: Act, email: str) -> str:
    """Make the secret of a link by which the owner sets a new password. Raises NoSuchAccount."""
    account = await _held(act, email)
    await audit.record(act, Event.PASSWORD_RESET_OFFERED, account.id)
    return await links.make_for_account(act, RESET, account)


async def reset_two_factor(act: Act, email: str) -> None:
    """Remove every factor and the recovery code; the password alone signs in again. Raises NoSuchAccount."""
    account = await _held(act, email)
    await factors.reset(act, account)
    await lift_limits(act, account.id)  # wrong codes for what is gone must not close what is set up next


async def unlock(act: Act, email: str) -> None:
    """Lift the limits on an account, and time steps remembered from a wrong clock. Raises NoSuchAccount."""
    account = await _held(act, email)
    await accounts.lift_limits(act, account)
    await lift_limits(act, account.id)
    await factors.forget_future_steps(act, account)
    await audit.record(act, Event.ACCOUNT_UNLOCKED, account.id)


async def disable(act: Act, email: str) -> None:
    """Keep an account out from now on. Raises NoSuchAccount."""
    account = await _held(act, email)
    await store.set_disabled(act.tx, account.id, act.now)
    await carry_out(act, Change.ENDED_BY_ADMINISTRATOR, account.id)
    await audit.record(act, Event.ACCOUNT_DISABLED, account.id)


async def enable(act: Act, email: str) -> None:
    """Let an account in again. Raises NoSuchAccount."""
    account = await _held(act, email)
    await store.set_disabled(act.tx, account.id, None)
    await audit.record(act, Event.ACCOUNT_ENABLED, account.id)


async def sign_out(act: Act, email: str) -> None:
    """End every session and trusted computer of an account. Raises NoSuchAccount."""
    account = await _held(act, email)
    await carry_out(act, Change.ENDED_BY_ADMINISTRATOR, account.id)
    await audit.record(act, Event.ALL_SESSIONS_ENDED, account.id)


async def _held(act: Act, email: str) -> Account:
    account = await store.by_email(act.tx, normal_email(email))
    held = await store.hold(act.tx, account.id) if account else None
    if held is None:
        raise NoSuchAccount
    return held
