"""Second factors as JSON."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from twofold.accounts.rules import WrongCredentials
from twofold.base.clock import rfc3339, rfc3339_or_none
from twofold.base.problems import Conflict, InvalidRequest, NotFound, TooManyAttempts
from twofold.base.visitor import Access
from twofold.base.web.bodies import Open
from twofold.base.web.context import Context
from twofold.base.web.cookies import BROWSER
from twofold.base.web.routes import call
from twofold.factors import actions, enrolment, removal
from twofold.factors.contract import Challenge, Factor, kinds
from twofold.factors.enrolment import Pending
from twofold.factors.rules import (
    CannotSend,
    CodeAlreadyUsed,
    CountryNotServed,
    PhoneClockOff,
    Policy,
    TwoFactor,
    WrongCode,
)
from twofold.factors.verification import read_answers, wait_for_delivery

SENDING_PROBLEMS = (InvalidRequest, TooManyAttempts, CountryNotServed, CannotSend)


class NewFactor(Open, forbid_unknown_fields=True):
    """What to enrol; `replaces` is the id of the factor that the new one replaces.

    `phone` is for sms and voice: a number in international form, or in the national form of `country` (ISO 3166).
    """

    kind: str
    name: str | None = None
    phone: str | None = None
    country: str | None = None
    replaces: str | None = None


class Code(Open, forbid_unknown_fields=True):
    """Six digits, or the fields of an answer to another kind of factor."""

    code: str | UnsetType = UNSET

    @property
    def answer(self) -> dict[str, Any]:
        """Return the fields that a kind of factor reads."""
        return self.extra if self.code is UNSET else {"code": self.code, **self.extra}


class FactorName(msgspec.Struct, forbid_unknown_fields=True):
    """The new name of a factor."""

    name: str


class Removal(msgspec.Struct, forbid_unknown_fields=True):
    """The password, if the session rests on this factor alone."""

    password: str


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """How often a code is required, and the default factor."""

    policy: Policy
    default_factor_id: str | None = None


class ListedFactor(msgspec.Struct):
    """A verified factor."""

    id: str
    kind: str
    name: str
    status: Literal["unverified", "verified"]
    hint: str
    created_at: str
    last_used_at: str | None


class PendingFactor(msgspec.Struct):
    """A factor to be verified. An app's secret is shown only here; a code has been sent to a phone."""

    id: str
    kind: str
    name: str
    status: Literal["unverified", "verified"]
    expires_at: str
    secret: str | UnsetType = UNSET
    uri: str | UnsetType = UNSET
    qr_svg: str | UnsetType = UNSET
    hint: str | UnsetType = UNSET
    resend_after: str | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET


class CodeSent(msgspec.Struct):
    """A code that is being sent, when another may be requested, and when it expires."""

    resend_after: str
    expires_at: str
    options: dict[str, Any] | UnsetType = UNSET


class VerifiedFactor(msgspec.Struct):
    """A verified factor, with a recovery code if 2FA became active or a phone number was added."""

    factor: ListedFactor
    recovery_code: str | UnsetType = UNSET


class RecoveryCodeState(msgspec.Struct):
    """The state of the current recovery code, without the code."""

    created_at: str


class TwoFactorState(msgspec.Struct):
    """How the account is protected. `recovery_code` is the code itself, in the one response that shows it."""

    policy: Policy
    active: bool
    required: bool
    factors: list[ListedFactor]
    default_factor_id: str | None
    recovery_code: RecoveryCodeState | str | None


class NewRecoveryCode(msgspec.Struct):
    """The new recovery code, shown once."""

    recovery_code: str


@call("GET", "/two-factor", Access.SIGNED_IN)
async def show(ctx: Context) -> TwoFactorState:
    """Show how your account is protected."""
    return await _state(ctx, await ctx.system.read(actions.two_factor, ctx.known_visitor.account_id), None)


@call("PUT", "/two-factor", Access.UNLOCKED, problems=(InvalidRequest,))
async def choose(ctx: Context, body: Choice) -> TwoFactorState:
    """Set how often a code is required, and the default factor."""
    after, recovery_code = await ctx.write(actions.choose, body.policy, body.default_factor_id)
    return await _state(ctx, after, recovery_code)


@call("POST", "/factors", Access.UNLOCKED, status=201, problems=(*SENDING_PROBLEMS, NotFound, Conflict))
async def begin(ctx: Context, body: NewFactor) -> PendingFactor:
    """Start to enrol a factor. A phone is sent a code."""
    number = {"phone": body.phone, "country": body.country}
    fields: dict[str, Any] = {**{name: value for name, value in number.items() if value is not None}, **body.extra}
    asked = enrolment.read_request(ctx, body.kind, fields, name=body.name, replaces=body.replaces)
    pending = await ctx.write(enrolment.begin, asked)
    factor = pending.factor
    return PendingFactor(
        id=factor.id,
        kind=factor.kind,
        name=factor.name,
        status="unverified",
        expires_at=rfc3339(factor.expires_at or 0),
        **await _offer(ctx, pending),
    )


@call("POST", "/factors/{id}/send", Access.UNLOCKED, status=202, problems=(*SENDING_PROBLEMS, NotFound))
async def send(ctx: Context) -> CodeSent:
    """Send another code to a number that is being verified."""
    challenge = await ctx.write(enrolment.challenge_again, ctx.id("id"))
    return describe_challenge(await wait_for_delivery(ctx.system, challenge))


@call(
    "POST",
    "/factors/{id}/verify",
    Access.UNLOCKED,
    problems=(InvalidRequest, NotFound, Conflict, WrongCode, CodeAlreadyUsed, PhoneClockOff),
)
async def verify(ctx: Context, body: Code) -> VerifiedFactor:
    """Verify a factor with its first code."""
    answers = read_answers(ctx, body.answer, strict=True)
    verified = await ctx.write(enrolment.verify, ctx.id("id"), answers)
    return VerifiedFactor(listed(ctx, verified.factor), verified.recovery_code or UNSET)


@call("PATCH", "/factors/{id}", Access.UNLOCKED, problems=(InvalidRequest, NotFound, Conflict))
async def rename(ctx: Context, body: FactorName) -> ListedFactor:
    """Rename a factor."""
    return listed(ctx, await ctx.write(actions.rename, ctx.id("id"), body.name))


@call(
    "DELETE",
    "/factors/{id}",
    Access.UNLOCKED,
    problems=(InvalidRequest, NotFound, WrongCredentials, TooManyAttempts),
)
async def remove(ctx: Context, body: Removal | None) -> None:
    """Remove a factor."""
    token, browser, password = ctx.session_token or "", ctx.cookies.get(BROWSER), body.password if body else None
    await removal.remove(ctx.system, ctx.known_visitor, token, browser, ctx.id("id"), password)


@call("POST", "/recovery-code", Access.UNLOCKED, status=201, problems=(Conflict,))
async def renew_recovery_code(ctx: Context) -> NewRecoveryCode:
    """Create a new recovery code; the old one stops working."""
    return NewRecoveryCode(await ctx.write(actions.renew_recovery_code))


def listed(ctx: Context, factor: Factor) -> ListedFactor:
    """Return the description of a verified factor."""
    kind = kinds(ctx).get(factor.kind)
    return ListedFactor(
        id=factor.id,
        kind=factor.kind,
        name=factor.name,
        status="unverified" if factor.verified_at is None else "verified",
        hint=kind.describe(factor).hint if kind else "",
        created_at=rfc3339(factor.created_at),
        last_used_at=rfc3339_or_none(factor.last_used_at),
    )


def describe_challenge(challenge: Challenge) -> CodeSent:
    """Return the description of a challenge, without its code."""
    options = dict(challenge.options) if challenge.options else UNSET
    return CodeSent(rfc3339(challenge.resend_at), rfc3339(challenge.expires_at), options)


async def _offer(ctx: Context, pending: Pending) -> Mapping[str, Any]:
    offer = dict(pending.rendered_offer())
    if hint := pending.kind.describe(pending.factor).hint:
        offer["hint"] = hint
    if (challenge := pending.challenge) is not None:
        await wait_for_delivery(ctx.system, challenge)
        if challenge.options:
            offer["options"] = {**offer.get("options", {}), **challenge.options}
        else:
            offer["resend_after"] = rfc3339(challenge.resend_at)
    return offer


async def _state(ctx: Context, two_factor: TwoFactor, recovery_code: str | None) -> TwoFactorState:
    created_at = await ctx.system.read(kinds(ctx).recovery.created_at, ctx.known_visitor.account_id)
    told: Any = RecoveryCodeState(rfc3339(created_at)) if created_at is not None else None
    return TwoFactorState(
        policy=two_factor.policy,
        active=two_factor.active,
        required=False,
        factors=[listed(ctx, factor) for factor in two_factor.factors],
        default_factor_id=two_factor.default.id if two_factor.default else None,
        recovery_code=recovery_code or told,
    )


ROUTES = (show, choose, begin, send, verify, rename, remove, renew_recovery_code)
