"""User Settings: the cards of all features on one page, locked until the visitor authenticates again."""

from typing import Any

from starlette.responses import Response

from twofold.base.feature import Features
from twofold.base.texts import _
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context, StartPage
from twofold.base.web.routes import Page
from twofold.sessions.actions import recognise
from twofold.sessions.rules import is_unlocked


async def home(ctx: Context) -> Response:
    """Show the start page if a feature has one, otherwise redirect to the settings, or to the sign-in page."""
    ctx.visitor = await recognise(ctx.system, ctx.session_token)
    if ctx.visitor is None:
        return ctx.redirect("/sign-in")
    start: StartPage | None = ctx.site.parts.get(StartPage)
    return await start.show(ctx) if start else ctx.redirect("/settings")


async def show(ctx: Context) -> Response:
    """Show the cards of all features."""
    visitor = ctx.known_visitor
    cards = await ctx.read(_cards, ctx)
    done = ctx.query.get("done", "") if ctx.problem is None else ""
    message = ctx.site.part(Features).messages.get(done)
    if message and not message.card:
        ctx.status = _(message.text)
    return ctx.render(
        "settings/settings.html",
        cards=cards,
        done=message if message and message.card else None,
        not_changed=done == "not_changed",
        unlocked=is_unlocked(visitor, ctx.now),
        unlocked_until=visitor.unlocked_until,
    )


async def _cards(uow: UnitOfWork, visitor: Visitor, ctx: Context) -> list[dict[str, Any]]:
    return [await each(uow, visitor, ctx) for each in ctx.site.part(Features).cards]


ROUTES = (
    Page("GET", "/", home, Access.PUBLIC),
    Page("GET", "/settings", show, Access.SIGNED_IN),
)
