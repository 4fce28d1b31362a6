"""Passwords as JSON."""

import msgspec

from twofold.accounts.links import LinkGone
from twofold.accounts.rules import WrongCredentials
from twofold.base.problems import InvalidRequest, TooManyAttempts
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import Call
from twofold.password import actions


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The old password and the new one."""

    current_password: str
    new_password: str


class Address(msgspec.Struct, forbid_unknown_fields=True):
    """The address of an account whose password is forgotten."""

    email: str


class ByLink(msgspec.Struct, forbid_unknown_fields=True):
    """The token of a reset link and the new password."""

    token: str
    new_password: str


async def change(ask: Ask, body: NewPassword) -> None:
    """Change the password."""
    token, browser = ask.session_token or "", ask.cookies.get(BROWSER)
    await actions.change(ask.acts, ask.known_visitor, token, browser, body.current_password, body.new_password)


async def ask_reset(ask: Ask, body: Address) -> None:
    """Mail a link, if somebody has this address."""
    await ask.acts.write(actions.ask_reset, body.email)


async def reset(ask: Ask, body: ByLink) -> None:
    """Set a new password by a link."""
    await actions.reset(ask.acts, body.token, body.new_password)


ROUTES = (
    Call(
        method="PUT",
        path="/api/v1/account/password",
        handler=change,
        need=Need.UNLOCKED,
        body=NewPassword,
        status=204,
        problems=(InvalidRequest, WrongCredentials, TooManyAttempts),
        summary="Change your password",
    ),
    Call(
        method="POST",
        path="/api/v1/password-reset",
        handler=ask_reset,
        need=Need.NOBODY,
        body=Address,
        status=202,
        problems=(InvalidRequest,),
        summary="Mail a link to choose a new password, if somebody has this address; the answer does not tell",
    ),
    Call(
        method="POST",
        path="/api/v1/password-reset/complete",
        handler=reset,
        need=Need.NOBODY,
        body=ByLink,
        status=204,
        problems=(InvalidRequest, LinkGone),
        summary="Set a new password by a link; signs nobody in and lifts no 2FA",
    ),
)
