"""Unlocking settings, as JSON."""

import msgspec
from msgspec import UNSET, UnsetType

from twofold.accounts.rules import WrongCredentials
from twofold.base.clock import rfc3339
from twofold.base.problems import InvalidRequest, TooManyAttempts
from twofold.base.visitor import Access
from twofold.base.web.bodies import Open
from twofold.base.web.context import Context
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import call
from twofold.factors.api import SENDING_PROBLEMS, CodeSent, describe_challenge
from twofold.factors.rules import CodeAlreadyUsed, PhoneClockOff, WrongCode
from twofold.factors.verification import read_answers, wait_for_delivery
from twofold.repeats.rules import SignInCompleted
from twofold.sessions.cookies import set_session_cookie
from twofold.unlock import actions
from twofold.unlock.actions import Credentials


class UnlockRequest(Open, forbid_unknown_fields=True):
    """The password and, if 2FA is active, a code or the recovery code; a code counts as a proof in any case."""

    password: str
    code: str | None = None
    recovery_code: str | None = None


class UnlockPhone(msgspec.Struct, forbid_unknown_fields=True):
    """The phone that a code is sent to."""

    factor_id: str


class Renewed(msgspec.Struct):
    """The session's new token; a browser gets it as a cookie instead."""

    expires_at: str
    token: str | UnsetType = UNSET


class Unlocked(msgspec.Struct):
    """The session with unlocked settings."""

    session: Renewed
    unlocked_until: str
    recovery_code: str | UnsetType = UNSET


async def repeat(ctx: Context, body: UnlockRequest) -> Unlocked:
    """Repeat the answer to an unlock with the recovery code."""
    credentials = _credentials(ctx, body)
    token, browser = ctx.session_token or "", ctx.cookies.get(BROWSER)
    return _renewed(ctx, await actions.repeat(ctx.system, token, browser, credentials))


@call("POST", "/session/unlock/send", Access.SIGNED_IN, status=202, problems=SENDING_PROBLEMS)
async def send_code(ctx: Context, body: UnlockPhone) -> CodeSent:
    """Send a code to one of your phones, to unlock your settings."""
    return describe_challenge(await wait_for_delivery(ctx.system, await ctx.write(actions.send_code, body.factor_id)))


@call(
    "POST",
    "/session/unlock",
    Access.SIGNED_IN,
    repeat=repeat,
    problems=(
        InvalidRequest,
        WrongCredentials,
        WrongCode,
        CodeAlreadyUsed,
        PhoneClockOff,
        SignInCompleted,
        TooManyAttempts,
    ),
)
async def unlock(ctx: Context, body: UnlockRequest) -> Unlocked:
    """Unlock your settings; the session's token is replaced."""
    credentials = _credentials(ctx, body)
    token, browser = ctx.session_token or "", ctx.cookies.get(BROWSER)
    return _renewed(ctx, await actions.unlock(ctx.system, ctx.known_visitor, token, browser, credentials))


def _credentials(ctx: Context, body: UnlockRequest) -> Credentials:
    answer = {"code": body.code, **body.extra} if body.code else body.extra
    if answer:
        read_answers(ctx, answer, strict=True)
    return Credentials(body.password, answer, body.recovery_code)


def _renewed(ctx: Context, unlocked: actions.Unlocked) -> Unlocked:
    if ctx.bearer is None:
        set_session_cookie(ctx, unlocked.session)
    return Unlocked(
        session=Renewed(rfc3339(unlocked.session.expires_at), unlocked.session.token if ctx.bearer else UNSET),
        unlocked_until=rfc3339(unlocked.unlocked_until),
        recovery_code=unlocked.recovery_code or UNSET,
    )


ROUTES = (send_code, unlock)
