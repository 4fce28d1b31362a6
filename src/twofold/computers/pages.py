"""The card of trusted computers on the User Settings page."""

from typing import Any

from starlette.responses import Response

from twofold.base.acts import Act
from twofold.base.visitor import Need, Visitor
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Page
from twofold.computers import actions
from twofold.computers.cookies import is_here
from twofold.factors.actions import two_factor


async def card(act: Act, visitor: Visitor, ask: Ask) -> dict[str, Any]:
    """Show the trusted computers."""
    computers = [
        {
            "id": each.id,
            "name": each.name,
            "created_at": each.created_at,
            "last_used_at": each.last_used_at,
            "expires_at": each.expires_at,
            "source": each.source,
            "current": is_here(ask, visitor.account_id, each.token_hash),
        }
        for each in await actions.listed(act, visitor)
    ]
    active = (await two_factor(act, visitor.account_id)).active
    return {"template": "computers/card.html", "computers": computers, "active": active}


async def rename(ask: Ask) -> Response:
    """Rename one computer."""
    await ask.act(actions.rename, ask.id("id"), ask.form.get("name", ""))
    return ask.go("/settings?done=computer_renamed#computers")


async def forget(ask: Ask) -> Response:
    """Forget one computer."""
    await ask.act(actions.forget, ask.id("id"))
    return ask.go("/settings?done=computer_forgotten#computers")


async def forget_all(ask: Ask) -> Response:
    """Forget every computer."""
    await ask.act(actions.forget_all)
    return ask.go("/settings?done=computers_forgotten#computers")


ROUTES = (
    Page("POST", "/settings/computers/{id}/name", rename, Need.UNLOCKED, again="/settings"),
    Page("POST", "/settings/computers/{id}/forget", forget, Need.UNLOCKED, again="/settings"),
    Page("POST", "/settings/computers/forget-all", forget_all, Need.UNLOCKED, again="/settings"),
)
