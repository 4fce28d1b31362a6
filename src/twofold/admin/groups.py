"""Manage groups and their members."""

from dataclasses import dataclass

from twofold.accounts import store as accounts
from twofold.accounts.consequences import Change
from twofold.accounts.endings import apply_consequences
from twofold.accounts.groups import store
from twofold.accounts.groups.rules import check_group
from twofold.admin.actions import lock_account
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.problems import Conflict, NotFound
from twofold.base.texts import N_
from twofold.base.unit_of_work import Runner, UnitOfWork

_PAGE = 100


class NoSuchGroup(NotFound):
    """There is no group of this name."""

    title = N_("There is no group of this name.")
    text = N_("There is no group of this name. `twofold group list` lists all groups.")


@dataclass(frozen=True, slots=True)
class Group:
    """A group, and how many members it has."""

    name: str
    members: int


async def listed(uow: UnitOfWork) -> list[Group]:
    """Return all groups by name."""
    return [Group(row["name"], row["members"]) for row in await store.all_groups(uow.tx)]


async def add(uow: UnitOfWork, name: str) -> None:
    """Add an empty group. Raise InvalidRequest or Conflict."""
    if not await store.insert(uow.tx, check_group(name), uow.now):
        raise Conflict(N_("There is already a group of this name."))
    await audit.record(uow, Event.GROUP_ADDED, None, group=name)


async def remove(runner: Runner, name: str) -> None:
    """Remove each member from a group, and then the group. Raise NoSuchGroup.

    Each is a transaction of its own, so that a large group does not delay others. After an interruption, call it again.
    """
    while not await runner.write(_remove_if_empty, name):
        for account_id in await runner.read(_some_members, name):
            await runner.write(_leave, name, account_id)


async def join(uow: UnitOfWork, name: str, email: str) -> bool:
    """Add an account to a group; return False if it is already a member. Raise NoSuchAccount or NoSuchGroup."""
    account = await lock_account(uow, email)
    await _lock(uow, name)
    if not await store.join(uow.tx, account.id, name, uow.now):
        return False
    await apply_consequences(uow, Change.RIGHTS_CHANGED, account.id)
    await audit.record(uow, Event.GROUP_JOINED, account.id, group=name)
    return True


async def leave(uow: UnitOfWork, name: str, email: str) -> bool:
    """Remove an account from a group; return False if it is not a member. Raise NoSuchAccount or NoSuchGroup."""
    account = await lock_account(uow, email)
    await _lock(uow, name)
    return await _leave(uow, name, account.id)


async def _leave(uow: UnitOfWork, name: str, account_id: str) -> bool:
    await accounts.find_for_update(uow.tx, account_id)
    if not await store.leave(uow.tx, account_id, name):
        return False
    await apply_consequences(uow, Change.RIGHTS_CHANGED, account_id)
    await audit.record(uow, Event.GROUP_LEFT, account_id, group=name)
    return True


async def _some_members(uow: UnitOfWork, name: str) -> list[str]:
    return await store.some_members(uow.tx, name, _PAGE)


async def _remove_if_empty(uow: UnitOfWork, name: str) -> bool:
    await _lock(uow, name)
    if not await store.delete_empty(uow.tx, name):
        return False
    await audit.record(uow, Event.GROUP_REMOVED, None, group=name)
    return True


async def _lock(uow: UnitOfWork, name: str) -> None:
    """Keep a group from being removed, or from getting members, until this transaction ends. Raise NoSuchGroup."""
    if await store.find_for_update(uow.tx, name) is None:
        raise NoSuchGroup
