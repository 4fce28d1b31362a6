"""Change how others see an account: its username, name and role."""

from twofold.accounts import owners, store
from twofold.accounts.actions import prove_email
from twofold.accounts.consequences import Change
from twofold.accounts.endings import apply_consequences
from twofold.accounts.rules import Account
from twofold.accounts.usernames import actions as usernames
from twofold.accounts.usernames.rules import check_username
from twofold.admin.actions import lock_account
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.actors import ActorKind
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Role
from twofold.profile.actions import set_name
from twofold.profile.rules import normal_name


async def change(
    uow: UnitOfWork, email: str, *, username: str | None = None, name: str | None = None, role: Role | None = None
) -> None:
    """Change the values that are not None; an empty name removes the name. Make all changes or none.

    Raise NoSuchAccount, InvalidRequest, UsernameTaken or LastOwner.
    """
    account = await lock_account(uow, email)
    if username is not None:
        await _change_username(uow, account, check_username(username))
    if name is not None:
        await set_name(uow, account, normal_name(name))
    if role is not None:
        await _change_role(uow, account, role)


async def _change_username(uow: UnitOfWork, account: Account, username: str) -> None:
    if username == account.username:
        return
    await usernames.change(uow, account.id, account.username, username)
    await apply_consequences(uow, Change.RIGHTS_CHANGED, account.id)
    await audit.record(uow, Event.USERNAME_CHANGED, account.id, username=username)


async def _change_role(uow: UnitOfWork, account: Account, role: Role) -> None:
    if role is Role.OWNER and uow.caller.actor.kind is ActorKind.COMMAND_LINE:
        await prove_email(uow, account.id, account.email)  # the operator vouches for it
    if role is account.role:
        return
    await store.set_role(uow.tx, account.id, role)
    await apply_consequences(uow, Change.RIGHTS_CHANGED, account.id)
    await audit.record(uow, Event.ROLE_CHANGED, account.id, role=role.value)
    await owners.require_one_besides(uow.tx, account)
