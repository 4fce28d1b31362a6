"""Trust, recognise and forget computers."""

from msgspec.structs import replace

from twofold.accounts import caps
from twofold.accounts.consequences import Act
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.ids import new_token, sortable_id, token_hash
from twofold.base.lists import LAST_ID, page_of
from twofold.base.problems import NotFound
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.computers import store
from twofold.computers.store import Computer
from twofold.factors.rules import normal_name
from twofold.sessions.actions import Token


async def recognise(uow: UnitOfWork, account_id: str, token: str | None) -> str | None:
    """Return the id of the trusted computer with this token, or None if the account does not trust it."""
    return await store.use(uow.tx, account_id, token_hash(token), uow.now) if token else None


async def trust(uow: UnitOfWork, account_id: str) -> Token:
    """Trust the computer of this request until a fixed time. The oldest of too many is forgotten."""
    await store.keep_newest(uow.tx, account_id, caps.COMPUTERS.maximum - 1, uow.now)
    token = Token(new_token(), uow.now + uow.site.config.trust)
    await store.insert(
        uow.tx,
        token_hash=token_hash(token.token),
        computer_id=sortable_id(uow.now),
        account_id=account_id,
        name=uow.caller.agent,
        source=uow.caller.source,
        now=uow.now,
        expires_at=token.expires_at,
    )
    await audit.record(uow, Event.COMPUTER_TRUSTED, account_id, name=uow.caller.agent)
    return token


async def listed(
    uow: UnitOfWork, visitor: Visitor, *, before: str | None = None, limit: int = caps.COMPUTERS.maximum
) -> tuple[list[Computer], str | None]:
    """Return a page of the visitor's trusted computers, and the cursor of the next page.

    Pages go from new to old; within a page, the most recently used comes first.
    """
    page, following = page_of(
        await store.of_account(uow.tx, visitor.account_id, before=before or LAST_ID, limit=limit + 1, now=uow.now),
        limit,
    )
    return sorted(page, key=lambda each: (-each.last_used_at, each.id)), following


async def rename(uow: UnitOfWork, visitor: Visitor, computer_id: str, name: str) -> Computer:
    """Rename a computer. Raise NotFound or InvalidRequest."""
    wanted = normal_name(name)
    known = await store.find(uow.tx, visitor.account_id, computer_id, uow.now)
    if known is None:
        raise NotFound
    if known.name == wanted:
        return known
    await store.rename(uow.tx, visitor.account_id, computer_id, wanted)
    await audit.record(uow, Event.COMPUTER_RENAMED, visitor.account_id, computer=computer_id)
    return replace(known, name=wanted)


async def forget(uow: UnitOfWork, visitor: Visitor, computer_id: str) -> None:
    """Forget a computer, so that its next sign-in asks for a code. Raise NotFound."""
    if not await store.forget(uow.tx, visitor.account_id, computer_id):
        raise NotFound
    await audit.record(uow, Event.COMPUTER_FORGOTTEN, visitor.account_id, computer=computer_id)


async def forget_all(uow: UnitOfWork, visitor: Visitor) -> None:
    """Forget every computer of the account."""
    forgotten = await store.forget_all(uow.tx, visitor.account_id)
    if forgotten:
        await audit.record(uow, Event.COMPUTERS_FORGOTTEN, visitor.account_id, forgotten=forgotten)


async def end_computers(uow: UnitOfWork, act: Act) -> None:
    """Forget every computer after an act that ends trust."""
    store.forget_all(uow.tx, act.account_id)
