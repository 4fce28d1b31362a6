"""Signing up as JSON."""

import msgspec

from twofold.accounts.links import LinkGone
from twofold.accounts.rules import Account, WrongCredentials
from twofold.base.clock import rfc3339
from twofold.base.problems import Conflict, InvalidRequest, TooManyAttempts
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import call
from twofold.signup import actions
from twofold.signup.actions import RegistrationClosed


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """The address and password of a new account."""

    email: str
    password: str


class CreatedAccount(msgspec.Struct):
    """The account that was created."""

    id: str
    email: str
    created_at: str


class Created(msgspec.Struct):
    """The new account, which can now sign in."""

    account: CreatedAccount


class Confirmed(msgspec.Struct, forbid_unknown_fields=True):
    """The token of the emailed link, and the password chosen at sign-up."""

    token: str
    password: str


@call(
    "POST",
    "/accounts",
    Access.PUBLIC,
    status=201,
    problems=(InvalidRequest, Conflict, TooManyAttempts, RegistrationClosed),
)
async def sign_up(ctx: Context, body: NewAccount) -> Created | None:
    """Create an account, with which you can then sign in. If email is configured, a link is sent first."""
    account = await actions.sign_up(ctx.system, body.email, body.password)
    return _created(account) if account else None


@call(
    "POST",
    "/accounts/complete",
    Access.PUBLIC,
    status=201,
    problems=(InvalidRequest, LinkGone, WrongCredentials, Conflict),
)
async def finish_sign_up(ctx: Context, body: Confirmed) -> Created:
    """Create the account with the emailed link and the password chosen at sign-up."""
    return _created(await actions.finish_sign_up(ctx.system, body.token, body.password))


def _created(account: Account) -> Created:
    return Created(CreatedAccount(account.id, account.email, rfc3339(account.created_at)))


ROUTES = (sign_up, finish_sign_up)
