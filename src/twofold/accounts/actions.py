"""Create accounts, prove their addresses, and choose the language of their messages."""

from msgspec.structs import replace

from twofold.accounts import store
from twofold.accounts.rules import Account
from twofold.accounts.usernames import actions as usernames
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.ids import new_id
from twofold.base.problems import Conflict, Problem
from twofold.base.texts import ENGLISH, N_
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Role


async def create(
    uow: UnitOfWork, email: str, password_hash: str, *, email_proven: bool, role: Role = Role.MEMBER
) -> Account | Problem:
    """Add an account with a normalised address. Return Conflict if the address is taken."""
    locale = uow.caller.locale or ENGLISH
    new = new_id()
    account = Account(
        id=new,
        email=email,
        username=new,  # until it has claimed a better one
        name=None,
        groups=(),
        password_hash=password_hash,
        stamp=1,
        role=role,
        created_at=uow.now,
        disabled_at=None,
        locale=locale,
        email_proven_at=uow.now if email_proven else None,
    )
    if not await store.insert(uow.tx, account):
        taken = await store.by_email(uow.tx, email)
        if taken is not None:
            await audit.record_cheap_refusal(uow, Event.ACCOUNT_CREATED, taken.id, reason=Conflict.code)
        return Conflict(
            N_("There is already an account with this email address. Sign in, or use another address."), at="email"
        )
    account = replace(account, username=await usernames.assign(uow, account.id, email))
    await audit.record(uow, Event.ACCOUNT_CREATED, account.id)
    return account


async def prove_email(uow: UnitOfWork, account_id: str, email: str) -> bool:
    """Record that the owner of an account receives mail at its address; return False if that was known."""
    proven = await store.prove_email(uow.tx, account_id, email, uow.now)
    if proven:
        await audit.record(uow, Event.EMAIL_CONFIRMED, account_id)
    return proven


async def remember_locale(uow: UnitOfWork, account: Account) -> None:
    """Use the language of this request for messages to the account; its user has just authenticated."""
    locale = uow.caller.locale
    if locale and locale != account.locale:
        await store.set_locale(uow.tx, account.id, locale)
