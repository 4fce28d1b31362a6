"""The history of an account: the last events on the settings page, and all events on a separate page."""

from typing import Any

import msgspec
from starlette.responses import Response

from twofold.audit import actions
from twofold.audit.events import BY_NAME, detail_of
from twofold.audit.store import Entry
from twofold.base.actors import ActorKind
from twofold.base.texts import _
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import Page

_ON_CARD = 5
_ON_PAGE = 50


async def card(uow: UnitOfWork, visitor: Visitor, _ctx: Context) -> dict[str, Any]:
    """Show the last events."""
    entries, _following = await actions.history(uow, visitor.account_id, before=None, limit=_ON_CARD)
    return {"template": "audit/card.html", "events": [_shown(entry, uow.site.config.site_name) for entry in entries]}


async def activity(ctx: Context) -> Response:
    """Show a page of events, newest first."""
    entries, following = await ctx.system.read_long(
        actions.history, ctx.known_visitor.account_id, before=ctx.cursor, limit=_ON_PAGE
    )
    events = [_shown(entry, ctx.site.config.site_name) for entry in entries]
    return ctx.render("audit/activity.html", events=events, next=following)


def _shown(entry: Entry, site_name: str) -> dict[str, Any]:
    source, agent = entry.client
    return {
        "title": _(BY_NAME[entry.name].label) if entry.name in BY_NAME else entry.name,
        "detail": detail_of(msgspec.json.decode(entry.data)),
        "at": entry.at,
        "actor": _actor(entry, site_name),
        "source": source,
        "agent": agent,
        "outcome": "ok" if entry.outcome == "done" else "refused",
    }


def _actor(entry: Entry, site_name: str) -> str:
    """Return who caused an event, without identifying another person; empty for the account itself."""
    if entry.is_own:
        return ""
    return (
        site_name
        if entry.actor is ActorKind.SYSTEM
        else _("An administrator of {site_name}").format(site_name=site_name)
    )


ROUTES = (Page("GET", "/settings/activity", activity, Access.SIGNED_IN),)
