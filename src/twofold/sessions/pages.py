"""The sessions card on the User Settings page, and signing out."""

from typing import Any

from starlette.responses import Response

from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import Page
from twofold.sessions import actions
from twofold.sessions.cookies import delete_session_cookie


async def card(uow: UnitOfWork, visitor: Visitor, _ctx: Context) -> dict[str, Any]:
    """Show where the user is signed in."""
    page, following = await actions.listed(uow, visitor)
    sessions = [
        {
            "id": each.id,
            "name": each.name,
            "created_at": each.signed_in_at,
            "last_used_at": each.last_used_at,
            "source": each.source,
            "current": each.id == visitor.session_id,
        }
        for each in page
    ]
    return {"template": "sessions/card.html", "sessions": sessions, "more": following is not None}


async def end_one(ctx: Context) -> Response:
    """End one session."""
    await ctx.write(actions.end_one, ctx.id("id"))
    return ctx.redirect("/settings?done=session_ended#sessions")


async def end_others(ctx: Context) -> Response:
    """End all sessions except this one."""
    await ctx.write(actions.end_others)
    return ctx.redirect("/settings?done=sessions_ended#sessions")


async def lock(ctx: Context) -> Response:
    """Lock the settings now."""
    await ctx.write(actions.lock)
    return ctx.redirect("/settings")


async def sign_out(ctx: Context) -> Response:
    """Sign out."""
    await ctx.write(actions.sign_out)
    delete_session_cookie(ctx)
    return ctx.redirect("/signed-out")


async def signed_out(ctx: Context) -> Response:
    """Confirm the sign-out."""
    return ctx.render("sessions/signed_out.html")


ROUTES = (
    Page("POST", "/settings/sessions/{id}/end", end_one, Access.UNLOCKED, again="/settings"),
    Page("POST", "/settings/sessions/end-others", end_others, Access.UNLOCKED, again="/settings"),
    Page("POST", "/settings/lock", lock, Access.SIGNED_IN),
    Page("POST", "/sign-out", sign_out, Access.SIGNED_IN),
    Page("GET", "/signed-out", signed_out, Access.PUBLIC),
)
