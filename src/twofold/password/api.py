"""Passwords as JSON."""

import msgspec

from twofold.accounts.links import LinkGone
from twofold.accounts.rules import WrongCredentials
from twofold.base.problems import InvalidRequest, TooManyAttempts
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import call
from twofold.password import actions


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The old password and the new one."""

    current_password: str
    new_password: str


class Address(msgspec.Struct, forbid_unknown_fields=True):
    """The address of the account."""

    email: str


class ResetByLink(msgspec.Struct, forbid_unknown_fields=True):
    """The token of a reset link and the new password."""

    token: str
    new_password: str


@call("PUT", "/account/password", Access.UNLOCKED, problems=(InvalidRequest, WrongCredentials, TooManyAttempts))
async def change(ctx: Context, body: NewPassword) -> None:
    """Change your password."""
    token, browser = ctx.session_token or "", ctx.cookies.get(BROWSER)
    await actions.change(ctx.system, ctx.known_visitor, token, browser, body.current_password, body.new_password)


@call("POST", "/password-reset", Access.PUBLIC, status=202, problems=(InvalidRequest,))
async def request_reset(ctx: Context, body: Address) -> None:
    """Email a password reset link if an account has this address; the response is always the same."""
    await actions.request_reset(ctx.system, body.email)


@call("POST", "/password-reset/complete", Access.PUBLIC, problems=(InvalidRequest, LinkGone))
async def reset(ctx: Context, body: ResetByLink) -> None:
    """Set a new password with a reset link; this neither signs in nor turns off 2FA."""
    await actions.reset(ctx.system, body.token, body.new_password)


ROUTES = (change, request_reset, reset)
