"""The account's address, and its end, as JSON."""

import msgspec

from twofold.accounts.links import LinkGone
from twofold.base.problems import Conflict, InvalidRequest, TooManyAttempts
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Call
from twofold.owner import actions


class NewAddress(msgspec.Struct, forbid_unknown_fields=True):
    """The address that the account shall have."""

    email: str


class ByLink(msgspec.Struct, forbid_unknown_fields=True):
    """The token of the link that was mailed to the new address."""

    token: str


async def start_change(ask: Ask, body: NewAddress) -> None:
    """Mail a link to the new address."""
    await ask.act(actions.start_change, body.email)


async def finish_change(ask: Ask, body: ByLink) -> None:
    """Change the address by the link."""
    await actions.finish_change(ask.acts, ask.session_token or "", body.token)


async def close(ask: Ask) -> None:
    """Close the account."""
    await ask.act(actions.close)


ROUTES = (
    Call(
        method="PUT",
        path="/api/v1/account/email",
        handler=start_change,
        need=Need.UNLOCKED,
        body=NewAddress,
        status=202,
        problems=(InvalidRequest, Conflict, TooManyAttempts),
        summary="Mail a link to a new address; the old one stays until it is used",
    ),
    Call(
        method="POST",
        path="/api/v1/account/email/complete",
        handler=finish_change,
        need=Need.UNLOCKED,
        body=ByLink,
        status=204,
        problems=(InvalidRequest, LinkGone, Conflict),
        summary="Change the address by the mailed link",
    ),
    Call(
        method="DELETE",
        path="/api/v1/account",
        handler=close,
        need=Need.UNLOCKED,
        status=204,
        problems=(Conflict,),
        summary="Close your account for good",
    ),
)
