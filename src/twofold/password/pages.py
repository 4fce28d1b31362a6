"""The pages for changing and resetting passwords."""

from typing import Any

from starlette.responses import Response

from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import Page
from twofold.password import actions


async def card(_uow: UnitOfWork, _visitor: Visitor, _ctx: Context) -> dict[str, Any]:
    """Show the form to change the password."""
    return {"template": "password/card.html"}


async def change(ctx: Context) -> Response:
    """Change the password."""
    current, new = ctx.form.get("current_password", ""), ctx.form.get("new_password", "")
    await actions.change(ctx.system, ctx.known_visitor, ctx.session_token or "", ctx.cookies.get(BROWSER), current, new)
    return ctx.redirect("/settings?done=password_changed#password")


async def redirect_to_form(ctx: Context) -> Response:
    """Redirect password managers to the form (W3C, A Well-Known URL for Changing Passwords)."""
    return ctx.redirect("/settings#password")


async def show_forgot_form(ctx: Context) -> Response:
    """Ask for the address of the account."""
    return ctx.render("password/forgot.html")


async def send_link(ctx: Context) -> Response:
    """Mail a link if an account has this address; the page does not reveal it."""
    await actions.request_reset(ctx.system, ctx.form.get("email", ""))
    return ctx.render("password/check_mail.html")


async def show_new_password_form(ctx: Context) -> Response:
    """Ask for a new password, without consuming the link."""
    token = ctx.request.path_params["token"]
    owner = await ctx.system.read(actions.link_owner, token)
    return ctx.render("password/reset.html", email=owner.email, action=f"/reset-password/{token}")


async def reset(ctx: Context) -> Response:
    """Set the new password, without signing in."""
    await actions.reset(ctx.system, ctx.request.path_params["token"], ctx.form.get("new_password", ""))
    return ctx.render("password/done.html")


_GONE = "password/link_gone.html"

ROUTES = (
    Page("POST", "/settings/password", change, Access.UNLOCKED, again="/settings"),
    Page("GET", "/.well-known/change-password", redirect_to_form, Access.PUBLIC),
    Page("GET", "/forgot-password", show_forgot_form, Access.PUBLIC),
    Page("POST", "/forgot-password", send_link, Access.PUBLIC, again=show_forgot_form),
    Page("GET", "/reset-password/{token}", show_new_password_form, Access.PUBLIC, gone=_GONE),
    Page("POST", "/reset-password/{token}", reset, Access.PUBLIC, again=show_new_password_form, gone=_GONE),
)
