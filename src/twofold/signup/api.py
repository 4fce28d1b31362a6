"""Signing up as JSON."""

import msgspec

from twofold.accounts.links import LinkGone
from twofold.accounts.rules import Account, WrongCredentials
from twofold.base.clock import rfc3339
from twofold.base.problems import Conflict, InvalidRequest, TooManyAttempts
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Call
from twofold.signup import actions
from twofold.signup.actions import RegistrationClosed


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """Address and password of a new account."""

    email: str
    password: str


class CreatedAccount(msgspec.Struct):
    """The account that was made."""

    id: str
    email: str
    created_at: str


class Created(msgspec.Struct):
    """The answer to a sign-up; sign in next."""

    account: CreatedAccount


class Confirmed(msgspec.Struct, forbid_unknown_fields=True):
    """The token of the mailed link, and the password that was chosen."""

    token: str
    password: str


async def sign_up(ask: Ask, body: NewAccount) -> Created | None:
    """Make an account, or mail a link that makes it."""
    account = await actions.sign_up(ask.acts, body.email, body.password)
    return _created(account) if account else None


async def finish_sign_up(ask: Ask, body: Confirmed) -> Created:
    """Make the account by the mailed link."""
    return _created(await actions.finish_sign_up(ask.acts, body.token, body.password))


def _created(account: Account) -> Created:
    return Created(CreatedAccount(account.id, account.email, rfc3339(account.created_at)))


ROUTES = (
    Call(
        method="POST",
        path="/api/v1/accounts",
        handler=sign_up,
        need=Need.NOBODY,
        body=NewAccount,
        answer_type=Created,
        status=201,
        accepts=True,
        problems=(InvalidRequest, Conflict, TooManyAttempts, RegistrationClosed),
        summary="Make an account; sign in next. Where mail is configured, a link is mailed first",
    ),
    Call(
        method="POST",
        path="/api/v1/accounts/complete",
        handler=finish_sign_up,
        need=Need.NOBODY,
        body=Confirmed,
        answer_type=Created,
        status=201,
        problems=(InvalidRequest, LinkGone, WrongCredentials, Conflict),
        summary="Make the account by the mailed link and the password that was chosen",
    ),
)
