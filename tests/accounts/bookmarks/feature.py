"""Bookmarks: one for every column of the table of what ends what, each held by a session of its owner.

The table `bookmark` has no foreign key, so nothing but a subscription ends its rows.
"""

from collections.abc import Awaitable, Callable

import msgspec

from twofold.accounts.consequences import Act, Effect, Item
from twofold.base.feature import Export, Feature
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import call

_TABLE = "CREATE TABLE IF NOT EXISTS bookmark (thing TEXT NOT NULL, account_id TEXT NOT NULL, session_id TEXT NOT NULL)"


class Bookmark(msgspec.Struct):
    """What a session holds; `thing` is the name of a column."""

    thing: str
    session: str


class Bookmarks(msgspec.Struct):
    """Everything that the sessions of an account hold."""

    items: list[Bookmark]


class Held(msgspec.Struct, forbid_unknown_fields=True):
    """The session that holds them, if it is not this one."""

    session: str | None = None


@call("POST", "/bookmarks", Access.SIGNED_IN)
async def keep(ctx: Context, body: Held) -> None:
    """Let a session hold one of each."""
    await ctx.write(_keep, body.session)


@call("GET", "/bookmarks/{account}", Access.PUBLIC)
async def listed(ctx: Context) -> Bookmarks:
    """List what is still held."""
    return await ctx.system.write(_listed, ctx.id("account"))


async def _keep(uow: UnitOfWork, visitor: Visitor, session: str | None) -> None:
    await uow.tx.run(_TABLE)
    for thing in Item:
        await uow.tx.run(
            "INSERT INTO bookmark (thing, account_id, session_id) VALUES (:thing, :account_id, :session_id)",
            thing=thing.name,
            account_id=visitor.account_id,
            session_id=session or visitor.session_id,
        )


async def _listed(uow: UnitOfWork, account_id: str) -> Bookmarks:
    await uow.tx.run(_TABLE)
    sql = "SELECT thing, session_id FROM bookmark WHERE account_id = :account_id"
    return Bookmarks([Bookmark(*row) for row in await uow.tx.all(sql, account_id=account_id)])


async def _export(uow: UnitOfWork, visitor: Visitor, _before: str | None) -> tuple[list[Bookmark], None]:
    sql = "SELECT thing, session_id FROM bookmark WHERE account_id = :account_id"
    return [Bookmark(*row) for row in await uow.tx.all(sql, account_id=visitor.account_id)], None


def _ending_of(thing: Item) -> Callable[[UnitOfWork, Act], Awaitable[None]]:
    async def end(uow: UnitOfWork, act: Act) -> None:
        await uow.tx.run(_TABLE)
        if act.effect in (Effect.LOCK, Effect.REFUSED_END):  # a bookmark has no settings and no rule about rights
            return
        await uow.tx.run(
            """
            DELETE FROM bookmark WHERE thing = :thing AND account_id = :account_id
                AND session_id <> :kept AND (:only = '' OR session_id = :only)
            """,
            thing=thing.name,
            account_id=act.account_id,
            kept=act.kept,
            only=act.only,
        )

    return end


FEATURE = Feature(
    routes=(keep, listed),
    endings={thing: _ending_of(thing) for thing in Item},
    exports={"bookmarks": Export(_export)},
)
