"""Unlocking settings as JSON."""

import msgspec
from msgspec import UNSET, UnsetType

from twofold.accounts.rules import WrongCredentials
from twofold.base.clock import rfc3339
from twofold.base.problems import InvalidRequest, TooManyAttempts
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import Call
from twofold.factors.api import SENDING_PROBLEMS, CodeOnItsWay, on_its_way
from twofold.factors.rules import CodeAlreadyUsed, PhoneClockOff, WrongCode
from twofold.factors.sending import delivered
from twofold.sessions.cookies import keep_session
from twofold.unlock import actions
from twofold.unlock.actions import Proofs


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """The password, and while 2FA is active a code or the recovery code."""

    password: str
    code: str | None = None
    recovery_code: str | None = None


class Phone(msgspec.Struct, forbid_unknown_fields=True):
    """Which of one's phones a code is sent to."""

    factor_id: str


class Renewed(msgspec.Struct):
    """The session's new token; a browser has it in its cookie instead."""

    expires_at: str
    token: str | UnsetType = UNSET


class Unlocked(msgspec.Struct):
    """The session, its settings unlocked."""

    session: Renewed
    unlocked_until: str
    recovery_code: str | UnsetType = UNSET


async def send_code(ask: Ask, body: Phone) -> CodeOnItsWay:
    """Send a code."""
    return on_its_way(await delivered(ask.acts, await ask.act(actions.send_code, body.factor_id)))


async def unlock(ask: Ask, body: Given) -> Unlocked:
    """Unlock."""
    given = Proofs(body.password, body.code, body.recovery_code)
    token, browser = ask.session_token or "", ask.cookies.get(BROWSER)
    unlocked = await actions.unlock(ask.acts, ask.known_visitor, token, browser, given)
    if ask.bearer is None:
        keep_session(ask, unlocked.session)
    return Unlocked(
        session=Renewed(rfc3339(unlocked.session.expires_at), unlocked.session.token if ask.bearer else UNSET),
        unlocked_until=rfc3339(unlocked.unlocked_until),
        recovery_code=unlocked.recovery_code or UNSET,
    )


ROUTES = (
    Call(
        method="POST",
        path="/api/v1/session/unlock/send",
        handler=send_code,
        need=Need.SIGNED_IN,
        body=Phone,
        answer_type=CodeOnItsWay,
        status=202,
        problems=SENDING_PROBLEMS,
        summary="Send a code for unlocking to one of your phones",
    ),
    Call(
        method="POST",
        path="/api/v1/session/unlock",
        handler=unlock,
        need=Need.SIGNED_IN,
        body=Given,
        answer_type=Unlocked,
        problems=(InvalidRequest, WrongCredentials, WrongCode, CodeAlreadyUsed, PhoneClockOff, TooManyAttempts),
        summary="Unlock your settings; the session's token is replaced",
    ),
)
