"""The account's address on the settings page, the page of the mailed link, and closing the account in two steps."""

from typing import Any

from starlette.responses import Response

from twofold.accounts.links import LinkGone
from twofold.base.acts import Act
from twofold.base.visitor import Need, Visitor
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Page
from twofold.owner import actions
from twofold.sessions.cookies import drop_session


async def email_card(_act: Act, visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Offer to change the address."""
    return {"template": "owner/card_email.html", "email": visitor.email}


async def close_card(_act: Act, _visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Offer to close the account."""
    return {"template": "owner/card_close.html"}


async def start_change(ask: Ask) -> Response:
    """Mail a link to the new address."""
    await ask.act(actions.start_change, ask.form.get("email", ""))
    return ask.go("/settings?done=email_link_sent#email")


async def ask_finish(ask: Ask) -> Response:
    """Ask whether the address shall be changed; looking does not use the link up."""
    token = ask.request.path_params["token"]
    try:
        address = await ask.look(actions.new_address, token)
    except LinkGone:
        return ask.render("owner/link_gone.html", status_code=404)
    return ask.render("owner/confirm_email.html", address=address, action=f"/change-email/{token}")


async def finish_change(ask: Ask) -> Response:
    """Change the address."""
    await actions.finish_change(ask.acts, ask.session_token or "", ask.request.path_params["token"])
    return ask.go("/settings?done=email_changed#email")


async def ask_close(ask: Ask) -> Response:
    """Say what closing means, and ask once more."""
    return ask.render("owner/close.html")


async def close(ask: Ask) -> Response:
    """Close the account."""
    await ask.act(actions.close)
    drop_session(ask)
    ask.visitor, ask.unsaved_recovery_code = None, False
    return ask.render("owner/closed.html")


ROUTES = (
    Page("POST", "/settings/email", start_change, Need.UNLOCKED, again="/settings"),
    Page("GET", "/change-email/{token}", ask_finish, Need.UNLOCKED),
    Page("POST", "/change-email/{token}", finish_change, Need.UNLOCKED, again=ask_finish),
    Page("GET", "/settings/close", ask_close, Need.UNLOCKED),
    Page("POST", "/settings/close", close, Need.UNLOCKED, again=ask_close),
)
