"""Signing up as JSON."""

import msgspec

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


async def sign_up(ask: Ask, body: NewAccount) -> Created:
    """Make an account."""
    account = await actions.sign_up(ask.acts, body.email, body.password)
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
        problems=(InvalidRequest, Conflict, TooManyAttempts, RegistrationClosed),
        summary="Make an account; sign in next",
    ),
)
