"""The JSON API of the sign-in. Tokens are sent in bodies; no cookie is set."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from twofold.accounts.rules import WrongCredentials
from twofold.base.clock import rfc3339
from twofold.base.problems import InvalidRequest, TooManyAttempts
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import call
from twofold.factors import api as factors_api
from twofold.factors.api import SENDING_PROBLEMS, CodeSent, describe_challenge
from twofold.factors.contract import kinds
from twofold.factors.rules import CodeAlreadyUsed, PhoneClockOff, WrongCode
from twofold.factors.trust import Trust
from twofold.factors.verification import read_answers, wait_for_delivery
from twofold.repeats.rules import SignInCompleted
from twofold.sessions.actions import Token
from twofold.signin import actions
from twofold.signin.actions import Client, SignedIn
from twofold.signin.attempts import CodeRequired
from twofold.signin.rules import SignInExpired

_CODE_PROBLEMS = (InvalidRequest, WrongCode, SignInExpired, SignInCompleted, TooManyAttempts)


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """An email address and password, and the token of a trusted computer."""

    email: str
    password: str
    trusted_computer: str | None = None


class SignInCode(factors_api.Code, kw_only=True, forbid_unknown_fields=True):
    """The code for a sign-in. Without `factor_id`, it may be from any app, or the last one that was sent."""

    sign_in: str
    factor_id: str | None = None
    trust_this_computer: bool = False


class SignInPhone(msgspec.Struct, forbid_unknown_fields=True):
    """The phone that a code for a sign-in is sent to."""

    sign_in: str
    factor_id: str


class RecoveryCode(msgspec.Struct, forbid_unknown_fields=True):
    """The recovery code for a sign-in."""

    sign_in: str
    recovery_code: str


class Secret(msgspec.Struct):
    """A token and when it expires."""

    token: str
    expires_at: str


class OfferedFactor(msgspec.Struct):
    """A factor that can finish the sign-in."""

    id: str
    kind: str
    name: str
    hint: str


class SignIn(msgspec.Struct):
    """The state of a sign-in."""

    status: Literal["signed_in", "code_required", "setup_required"]
    session: Secret | UnsetType = UNSET
    sign_in: str | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    factors: list[OfferedFactor] | UnsetType = UNSET
    default_factor_id: str | UnsetType = UNSET
    may_trust: bool | UnsetType = UNSET
    trusted_computer: Secret | UnsetType = UNSET
    recovery_code: str | UnsetType = UNSET


@call("POST", "/sign-in", Access.PUBLIC, problems=(InvalidRequest, WrongCredentials, TooManyAttempts))
async def submit_password(ctx: Context, body: Credentials) -> SignIn:
    """Start a sign-in with email address and password."""
    client = _client(body.trusted_computer)
    outcome = await actions.submit_password(ctx.system, client, body.email, body.password)
    return _code_required(ctx, outcome) if isinstance(outcome, CodeRequired) else _signed_in(outcome)


@call(
    "POST",
    "/sign-in/code/send",
    Access.PUBLIC,
    status=202,
    problems=(*SENDING_PROBLEMS, SignInExpired, SignInCompleted),
)
async def send_code(ctx: Context, body: SignInPhone) -> CodeSent:
    """Send a code to one of the account's phones."""
    sent = await actions.send_code(ctx.system, body.sign_in, body.factor_id)
    return describe_challenge(await wait_for_delivery(ctx.system, sent))


@call("POST", "/sign-in/code", Access.PUBLIC, problems=(*_CODE_PROBLEMS, CodeAlreadyUsed, PhoneClockOff))
async def submit_code(ctx: Context, body: SignInCode) -> SignIn:
    """Finish a sign-in with a code."""
    outcome = await actions.submit_code(
        ctx.system,
        _client(None),
        body.sign_in,
        read_answers(ctx, body.answer, strict=True),
        factor_id=body.factor_id,
        trust=body.trust_this_computer,
    )
    return _signed_in(outcome)


@call("POST", "/sign-in/recovery-code", Access.PUBLIC, problems=_CODE_PROBLEMS)
async def submit_recovery_code(ctx: Context, body: RecoveryCode) -> SignIn:
    """Finish a sign-in with the recovery code."""
    outcome = await actions.submit_recovery_code(ctx.system, _client(None), body.sign_in, body.recovery_code)
    return _signed_in(outcome)


def _client(computer: str | None) -> Client:
    return Client(is_browser=False, browser=None, session=None, attempt=None, computer=lambda _account_id: computer)


def _code_required(ctx: Context, outcome: CodeRequired) -> SignIn:
    default = outcome.two_factor.default
    return SignIn(
        status="code_required",
        sign_in=outcome.sign_in.token,
        expires_at=rfc3339(outcome.sign_in.expires_at),
        factors=[
            OfferedFactor(each.id, each.kind, each.name, kind.describe(each).hint)
            for each in outcome.factors
            if (kind := kinds(ctx).get(each.kind))
        ],
        default_factor_id=default.id if default else UNSET,
        may_trust=outcome.may_trust and ctx.site.part(Trust).offered,
    )


def _signed_in(outcome: SignedIn) -> SignIn:
    return SignIn(
        status="signed_in",
        session=_secret(outcome.session),
        trusted_computer=_secret(outcome.trusted_computer) if outcome.trusted_computer else UNSET,
        recovery_code=outcome.recovery_code or UNSET,
    )


def _secret(token: Token) -> Secret:
    return Secret(token.token, rfc3339(token.expires_at))


ROUTES = (submit_password, send_code, submit_code, submit_recovery_code)
