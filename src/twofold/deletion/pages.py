"""The pages for deleting one's own account."""

from typing import Any

from starlette.responses import Response

from twofold.base.feature import Features
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import Page
from twofold.deletion import actions
from twofold.sessions.cookies import delete_session_cookie

_EXPORT = "/settings/export"


async def card(_uow: UnitOfWork, _visitor: Visitor, _ctx: Context) -> dict[str, Any]:
    """Show the link to delete the account."""
    return {"template": "deletion/card.html"}


async def show_form(ctx: Context) -> Response:
    """Explain what is lost, and ask for confirmation."""
    exports = any(route.path == _EXPORT for route in ctx.site.part(Features).routes)  # unless that feature is removed
    return ctx.render("deletion/confirm.html", export=_EXPORT if exports else None)


async def delete(ctx: Context) -> Response:
    """Delete the account."""
    await ctx.write(actions.delete)
    delete_session_cookie(ctx)
    ctx.visitor, ctx.banners = None, []
    return ctx.render("deletion/deleted.html")


ROUTES = (
    Page("GET", "/settings/delete", show_form, Access.UNLOCKED),
    Page("POST", "/settings/delete", delete, Access.UNLOCKED, again=show_form),
)
