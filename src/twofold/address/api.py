"""Confirming and changing the address, as JSON."""

import msgspec

from twofold.accounts.links import LinkGone
from twofold.address import actions
from twofold.base.problems import Conflict, InvalidRequest, TooManyAttempts
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import call


class NewAddress(msgspec.Struct, forbid_unknown_fields=True):
    """The new address of the account."""

    email: str


class MailedLink(msgspec.Struct, forbid_unknown_fields=True):
    """The token of an emailed link."""

    token: str


@call("POST", "/account/email/confirmation", Access.UNLOCKED, status=202, problems=(Conflict, TooManyAttempts))
async def send_confirmation(ctx: Context) -> None:
    """Email a link that confirms your address."""
    await ctx.write(actions.send_confirmation)


@call("POST", "/account/email/confirmation/complete", Access.UNLOCKED, problems=(InvalidRequest, LinkGone))
async def confirm(ctx: Context, body: MailedLink) -> None:
    """Confirm your address with the emailed link."""
    await actions.confirm(ctx.system, ctx.session_token or "", body.token)


@call("PUT", "/account/email", Access.UNLOCKED, status=202, problems=(InvalidRequest, Conflict, TooManyAttempts))
async def start_change(ctx: Context, body: NewAddress) -> None:
    """Email a link to a new address; the old one stays until the link is used."""
    await ctx.write(actions.start_change, body.email)


@call("POST", "/account/email/complete", Access.UNLOCKED, problems=(InvalidRequest, LinkGone, Conflict))
async def finish_change(ctx: Context, body: MailedLink) -> None:
    """Change the address with the emailed link."""
    await actions.finish_change(ctx.system, ctx.session_token or "", body.token)


ROUTES = (send_confirmation, confirm, start_change, finish_change)
