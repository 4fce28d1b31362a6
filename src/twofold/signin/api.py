"""Signing in as JSON. Tokens come and go in bodies; no cookie is set."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from twofold.accounts.rules import WrongCredentials
from twofold.base.clock import rfc3339
from twofold.base.problems import InvalidRequest, TooManyAttempts
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Call
from twofold.factors.api import SENDING_PROBLEMS, CodeOnItsWay, on_its_way
from twofold.factors.contract import Kinds
from twofold.factors.rules import CodeAlreadyUsed, PhoneClockOff, WrongCode
from twofold.factors.sending import delivered
from twofold.sessions.actions import Token
from twofold.signin import actions
from twofold.signin.actions import Client, CodeRequired, SignedIn
from twofold.signin.rules import SignInExpired


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """Address and password, and the token of a computer that was trusted before."""

    email: str
    password: str
    trusted_computer: str | None = None


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """Six digits for an attempt; without `factor_id` those of any of the account's apps, or those sent last."""

    sign_in: str
    code: str
    factor_id: str | None = None
    trust_this_computer: bool = False


class Phone(msgspec.Struct, forbid_unknown_fields=True):
    """Which of the account's phones a code for an attempt is sent to."""

    sign_in: str
    factor_id: str


class RecoveryCode(msgspec.Struct, forbid_unknown_fields=True):
    """The recovery code for an attempt."""

    sign_in: str
    recovery_code: str


class Secret(msgspec.Struct):
    """A token and its end."""

    token: str
    expires_at: str


class OfferedFactor(msgspec.Struct):
    """A factor that can answer."""

    id: str
    kind: str
    name: str
    hint: str


class SignIn(msgspec.Struct):
    """Where a sign-in stands."""

    status: Literal["signed_in", "code_required", "setup_required"]
    session: Secret | UnsetType = UNSET
    sign_in: str | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    factors: list[OfferedFactor] | UnsetType = UNSET
    default_factor_id: str | UnsetType = UNSET
    may_trust: bool | UnsetType = UNSET
    trusted_computer: Secret | UnsetType = UNSET
    recovery_code: str | UnsetType = UNSET


async def give_password(ask: Ask, body: Credentials) -> SignIn:
    """Take address and password."""
    client = _client(body.trusted_computer)
    outcome = await actions.give_password(ask.acts, client, body.email, body.password)
    return _code_required(ask, outcome) if isinstance(outcome, CodeRequired) else _signed_in(outcome)


async def send_code(ask: Ask, body: Phone) -> CodeOnItsWay:
    """Send a code."""
    sent = await ask.acts.write(actions.send_code, body.sign_in, body.factor_id)
    return on_its_way(await delivered(ask.acts, sent))


async def give_code(ask: Ask, body: Code) -> SignIn:
    """Take a code."""
    outcome = await ask.acts.write(
        actions.give_code,
        _client(None),
        body.sign_in,
        body.code,
        factor_id=body.factor_id,
        trust=body.trust_this_computer,
    )
    return _signed_in(outcome)


async def give_recovery_code(ask: Ask, body: RecoveryCode) -> SignIn:
    """Take the recovery code; the answer has the new one, once."""
    outcome = await ask.acts.write(actions.give_recovery_code, _client(None), body.sign_in, body.recovery_code)
    return _signed_in(outcome)


def _client(computer: str | None) -> Client:
    return Client(is_browser=False, browser=None, session=None, attempt=None, computer=lambda _account_id: computer)


def _code_required(ask: Ask, outcome: CodeRequired) -> SignIn:
    kinds, default = ask.site.part(Kinds), outcome.two_factor.default
    return SignIn(
        status="code_required",
        sign_in=outcome.sign_in.token,
        expires_at=rfc3339(outcome.sign_in.expires_at),
        factors=[
            OfferedFactor(each.id, each.kind, each.name, kind.hint(each))
            for each in outcome.factors
            if (kind := kinds.of(each.kind))
        ],
        default_factor_id=default.id if default else UNSET,
        may_trust=outcome.may_trust,
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


_CODE_PROBLEMS = (InvalidRequest, WrongCode, SignInExpired, TooManyAttempts)

ROUTES = (
    Call(
        method="POST",
        path="/api/v1/sign-in",
        handler=give_password,
        need=Need.NOBODY,
        body=Credentials,
        answer_type=SignIn,
        problems=(InvalidRequest, WrongCredentials, TooManyAttempts),
        summary="Sign in with address and password",
    ),
    Call(
        method="POST",
        path="/api/v1/sign-in/code/send",
        handler=send_code,
        need=Need.NOBODY,
        body=Phone,
        answer_type=CodeOnItsWay,
        status=202,
        problems=(*SENDING_PROBLEMS, SignInExpired),
        summary="Send a code for a sign-in to one of the account's phones",
    ),
    Call(
        method="POST",
        path="/api/v1/sign-in/code",
        handler=give_code,
        need=Need.NOBODY,
        body=Code,
        answer_type=SignIn,
        problems=(*_CODE_PROBLEMS, CodeAlreadyUsed, PhoneClockOff),
        summary="Finish a sign-in with a code",
    ),
    Call(
        method="POST",
        path="/api/v1/sign-in/recovery-code",
        handler=give_recovery_code,
        need=Need.NOBODY,
        body=RecoveryCode,
        answer_type=SignIn,
        problems=_CODE_PROBLEMS,
        summary="Finish a sign-in with the recovery code",
    ),
)
