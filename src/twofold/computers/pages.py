"""The card of trusted computers on the User Settings page."""

from typing import Any

from starlette.responses import Response

from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import Page
from twofold.computers import actions
from twofold.computers.cookies import is_current
from twofold.factors.actions import two_factor


async def card(uow: UnitOfWork, visitor: Visitor, ctx: Context) -> dict[str, Any]:
    """Show the trusted computers."""
    page, following = await actions.listed(uow, visitor)
    computers = [
        {
            "id": each.id,
            "name": each.name,
            "created_at": each.created_at,
            "last_used_at": each.last_used_at,
            "expires_at": each.expires_at,
            "source": each.source,
            "current": is_current(ctx, visitor.account_id, each.token_hash),
        }
        for each in page
    ]
    active = (await ctx.once(two_factor, uow, visitor.account_id)).active
    return {
        "template": "computers/card.html",
        "computers": computers,
        "more": following is not None,
        "active": active,
    }


async def rename(ctx: Context) -> Response:
    """Rename one computer."""
    await ctx.write(actions.rename, ctx.id("id"), ctx.form.get("name", ""))
    return ctx.redirect("/settings?done=computer_renamed#computers")


async def forget(ctx: Context) -> Response:
    """Forget one computer."""
    await ctx.write(actions.forget, ctx.id("id"))
    return ctx.redirect("/settings?done=computer_forgotten#computers")


async def forget_all(ctx: Context) -> Response:
    """Forget every computer."""
    await ctx.write(actions.forget_all)
    return ctx.redirect("/settings?done=computers_forgotten#computers")


ROUTES = (
    Page("POST", "/settings/computers/{id}/name", rename, Access.UNLOCKED, again="/settings"),
    Page("POST", "/settings/computers/{id}/forget", forget, Access.UNLOCKED, again="/settings"),
    Page("POST", "/settings/computers/forget-all", forget_all, Access.UNLOCKED, again="/settings"),
)
