"""Changing the password on the settings page, and setting a new one by a link."""

from typing import Any

from starlette.responses import Response

from twofold.accounts.links import LinkGone
from twofold.base.acts import Act
from twofold.base.visitor import Need, Visitor
from twofold.base.web.ask import Ask
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import Page
from twofold.password import actions


async def card(_act: Act, _visitor: Visitor, _ask: Ask) -> dict[str, Any]:
    """Offer to change the password."""
    return {"template": "password/card.html"}


async def change(ask: Ask) -> Response:
    """Change the password."""
    current, new = ask.form.get("current_password", ""), ask.form.get("new_password", "")
    await actions.change(ask.acts, ask.known_visitor, ask.session_token or "", ask.cookies.get(BROWSER), current, new)
    return ask.go("/settings?done=password_changed#password")


async def forgot(ask: Ask) -> Response:
    """Ask for the address of the account."""
    return ask.render("password/forgot.html")


async def send_link(ask: Ask) -> Response:
    """Mail a link, if somebody has this address; the page does not tell."""
    await ask.acts.write(actions.ask_reset, ask.form.get("email", ""))
    return ask.render("password/check_mail.html")


async def ask_new(ask: Ask) -> Response:
    """Ask for a new password; looking does not use the link up."""
    token = ask.request.path_params["token"]
    try:
        await ask.acts.read(actions.link_owner, token)
    except LinkGone:
        return ask.render("password/link_gone.html", status_code=404)
    return ask.render("password/reset.html", action=f"/reset-password/{token}")


async def reset(ask: Ask) -> Response:
    """Set the new password; nobody is signed in by it."""
    await actions.reset(ask.acts, ask.request.path_params["token"], ask.form.get("new_password", ""))
    return ask.render("password/done.html")


ROUTES = (
    Page("POST", "/settings/password", change, Need.UNLOCKED, again="/settings"),
    Page("GET", "/forgot-password", forgot, Need.NOBODY),
    Page("POST", "/forgot-password", send_link, Need.NOBODY, again=forgot),
    Page("GET", "/reset-password/{token}", ask_new, Need.NOBODY),
    Page("POST", "/reset-password/{token}", reset, Need.NOBODY, again=ask_new),
)
