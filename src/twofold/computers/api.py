"""Trusted computers as JSON."""

import msgspec

from twofold.base.clock import rfc3339
from twofold.base.problems import InvalidRequest, NotFound
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import call
from twofold.computers import actions
from twofold.computers.cookies import is_current
from twofold.computers.store import Computer


class ComputerName(msgspec.Struct, forbid_unknown_fields=True):
    """The new name of a trusted computer."""

    name: str


class TrustedComputer(msgspec.Struct):
    """A computer that signs in without a code."""

    id: str
    name: str
    address: str
    created_at: str
    last_used_at: str
    expires_at: str
    current: bool


class TrustedComputers(msgspec.Struct):
    """A page of trusted computers."""

    items: list[TrustedComputer]
    next: str | None


@call("GET", "/trusted-computers", Access.SIGNED_IN, query=("before", "limit"), problems=(InvalidRequest,))
async def listed(ctx: Context) -> TrustedComputers:
    """List your trusted computers."""
    page, following = await ctx.read(actions.listed, before=ctx.cursor, limit=ctx.limit)
    return TrustedComputers([_shown(ctx, each) for each in page], following)


@call("PATCH", "/trusted-computers/{id}", Access.UNLOCKED, problems=(NotFound, InvalidRequest))
async def rename(ctx: Context, body: ComputerName) -> TrustedComputer:
    """Rename a trusted computer."""
    return _shown(ctx, await ctx.write(actions.rename, ctx.id("id"), body.name))


@call("DELETE", "/trusted-computers/{id}", Access.UNLOCKED, problems=(NotFound,))
async def forget(ctx: Context) -> None:
    """Forget a trusted computer."""
    await ctx.write(actions.forget, ctx.id("id"))


@call("DELETE", "/trusted-computers", Access.UNLOCKED)
async def forget_all(ctx: Context) -> None:
    """Forget every trusted computer."""
    await ctx.write(actions.forget_all)


def _shown(ctx: Context, computer: Computer) -> TrustedComputer:
    return TrustedComputer(
        id=computer.id,
        name=computer.name,
        address=computer.source,
        created_at=rfc3339(computer.created_at),
        last_used_at=rfc3339(computer.last_used_at),
        expires_at=rfc3339(computer.expires_at),
        current=is_current(ctx, ctx.known_visitor.account_id, computer.token_hash),
    )


ROUTES = (listed, rename, forget, forget_all)
