"""The pages for confirming and changing the address."""

from typing import Any

from starlette.responses import Response

from twofold.address import actions
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import Page


async def card(uow: UnitOfWork, visitor: Visitor, _ctx: Context) -> dict[str, Any]:
    """Show the address, whether it is confirmed, and the form to change it."""
    return {
        "template": "address/card.html",
        "email": visitor.email,
        "confirmed_at": visitor.email_proven_at,
        "can_confirm": uow.site.config.mail_proves_addresses,
    }


async def send_confirmation(ctx: Context) -> Response:
    """Mail a link that confirms the address."""
    await ctx.write(actions.send_confirmation)
    return ctx.redirect("/settings?done=confirmation_sent#email")


async def show_confirm_form(ctx: Context) -> Response:
    """Ask for confirmation of the address, without consuming the link."""
    token = ctx.request.path_params["token"]
    address = await ctx.read(actions.address_to_confirm, token)
    return ctx.render("address/confirm.html", address=address, action=f"/confirm-email/{token}")


async def confirm(ctx: Context) -> Response:
    """Confirm the address."""
    await actions.confirm(ctx.system, ctx.session_token or "", ctx.request.path_params["token"])
    return ctx.redirect("/settings?done=email_confirmed#email")


async def start_change(ctx: Context) -> Response:
    """Mail a link to the new address."""
    await ctx.write(actions.start_change, ctx.form.get("email", ""))
    return ctx.redirect("/settings?done=email_link_sent#email")


async def show_change_form(ctx: Context) -> Response:
    """Ask for confirmation of the new address, without consuming the link."""
    token = ctx.request.path_params["token"]
    address = await ctx.read(actions.new_address, token)
    return ctx.render("address/change.html", address=address, action=f"/change-email/{token}")


async def finish_change(ctx: Context) -> Response:
    """Change the address."""
    await actions.finish_change(ctx.system, ctx.session_token or "", ctx.request.path_params["token"])
    return ctx.redirect("/settings?done=email_changed#email")


_GONE = "address/change_link_gone.html"
_CONFIRMED = "address/confirm_link_gone.html"

ROUTES = (
    Page("POST", "/settings/email/confirmation", send_confirmation, Access.UNLOCKED, again="/settings"),
    Page("GET", "/confirm-email/{token}", show_confirm_form, Access.UNLOCKED, gone=_CONFIRMED),
    Page("POST", "/confirm-email/{token}", confirm, Access.UNLOCKED, again=show_confirm_form, gone=_CONFIRMED),
    Page("POST", "/settings/email", start_change, Access.UNLOCKED, again="/settings"),
    Page("GET", "/change-email/{token}", show_change_form, Access.UNLOCKED, gone=_GONE),
    Page("POST", "/change-email/{token}", finish_change, Access.UNLOCKED, again=show_change_form, gone=_GONE),
)
