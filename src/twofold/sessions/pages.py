"""The card of sessions on the User Settings page, and signing out."""

from typing import Any

from starlette.responses import Response

from twofold.base.acts import Act
from twofold.base.visitor import Need, Visitor
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Page
from twofold.sessions import actions
from twofold.sessions.cookies import drop_session


async def card(act: Act, visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Show where the person is signed in."""
    sessions = [
        {
            "id": each.id,
            "name": each.name,
            "created_at": each.signed_in_at,
            "last_used_at": each.last_used_at,
            "source": each.source,
            "current": each.id == visitor.session_id,
        }
        for each in await actions.listed(act, visitor)
    ]
    return {"template": "sessions/card.html", "sessions": sessions}


async def end_one(ask: Ask) -> Response:
    """End one session."""
    await ask.act(actions.end_one, ask.id("id"))
    return ask.go("/settings?done=session_ended#sessions")


async def end_others(ask: Ask) -> Response:
    """End all sessions but this one."""
    await ask.act(actions.end_others)
    return ask.go("/settings?done=sessions_ended#sessions")


async def lock(ask: Ask) -> Response:
    """Lock the settings before their time."""
    await ask.act(actions.lock)
    return ask.go("/settings")


async def sign_out(ask: Ask) -> Response:
    """Sign out."""
    await ask.act(actions.sign_out)
    drop_session(ask)
    return ask.go("/signed-out")


async def signed_out(ask: Ask) -> Response:
    """Say that it is done."""
    return ask.render("sessions/signed_out.html")


ROUTES = (
    Page("POST", "/settings/sessions/{id}/end", end_one, Need.UNLOCKED, again="/settings"),
    Page("POST", "/settings/sessions/end-others", end_others, Need.UNLOCKED, again="/settings"),
    Page("POST", "/settings/lock", lock, Need.SIGNED_IN),
    Page("POST", "/sign-out", sign_out, Need.SIGNED_IN),
    Page("GET", "/signed-out", signed_out, Need.NOBODY),
)
