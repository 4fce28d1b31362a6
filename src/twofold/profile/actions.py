"""Change the name of an account. It requires unlocked settings."""

from twofold.accounts import store
from twofold.accounts.rules import Account
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.profile.rules import normal_name


async def own_name(uow: UnitOfWork, visitor: Visitor) -> str | None:
    """Return the name that the visitor has set, or None."""
    return await store.name_of(uow.tx, visitor.account_id)


async def rename(uow: UnitOfWork, visitor: Visitor, name: str | None) -> str:
    """Set or remove the visitor's name; return what others see. Raise InvalidRequest."""
    wanted = normal_name(name)
    account = await store.find_for_update(uow.tx, visitor.account_id)
    if account is not None:
        await set_name(uow, account, wanted)
    return wanted or visitor.username


async def set_name(uow: UnitOfWork, account: Account, name: str | None) -> None:
    """Set or remove the name of a locked account's person."""
    if name != account.name:
        await store.set_name(uow.tx, account.id, name)
        await audit.record(uow, Event.NAME_CHANGED, account.id)
