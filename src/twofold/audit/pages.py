"""What happened, for the person: the last events on the settings page, all of them on a page of their own."""

from typing import Any

import msgspec
from starlette.responses import Response

from twofold.audit import actions
from twofold.audit.events import TITLES
from twofold.audit.store import Entry
from twofold.base.acts import Act
from twofold.base.texts import _
from twofold.base.visitor import Need, Visitor
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Page

_ON_CARD = 5
_ON_PAGE = 50


async def card(act: Act, visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Show the last events."""
    entries, _following = await actions.history(act, visitor.account_id, before=None, limit=_ON_CARD)
    return {"template": "audit/card.html", "events": [_shown(entry) for entry in entries]}


async def activity(ask: Ask) -> Response:
    """Show a page of events, newest first."""
    entries, following = await ask.acts.read_long(
        actions.history, ask.known_visitor.account_id, before=ask.cursor, limit=_ON_PAGE
    )
    return ask.render("audit/activity.html", events=[_shown(entry) for entry in entries], next=following)


def _shown(entry: Entry) -> dict[str, Any]:
    data = msgspec.json.decode(entry.data)
    return {
        "title": _(TITLES.get(entry.name, entry.name)),
        "detail": data.get("name", ""),
        "at": entry.at,
        "source": entry.source,
        "agent": entry.agent,
        "outcome": "ok" if entry.outcome == "done" else "refused",
    }


ROUTES = (Page("GET", "/settings/activity", activity, Need.SIGNED_IN),)
