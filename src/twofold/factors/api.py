"""Second factors as JSON."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from twofold.base.clock import rfc3339
from twofold.base.problems import Conflict, InvalidRequest, NotFound, TooManyAttempts
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Call
from twofold.factors import actions, enrolment
from twofold.factors.contract import Factor, Kinds
from twofold.factors.enrolment import Pending, PendingApp, PendingPhone
from twofold.factors.numbers import CountryNotServed
from twofold.factors.rules import CodeAlreadyUsed, PhoneClockOff, Policy, TwoFactor, WrongCode
from twofold.factors.sending import delivered
from twofold.factors.sentcode.rules import LiveCode
from twofold.factors.spending.rules import CannotSend


class NewFactor(msgspec.Struct, forbid_unknown_fields=True):
    """What to enrol; `replaces` names the factor that the new one takes the place of.

    `phone` is there for sms and voice: in international form, or in the national form of `country` (ISO 3166).
    """

    kind: str
    name: str | None = None
    phone: str | None = None
    country: str | None = None
    replaces: str | None = None


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """Six digits."""

    code: str


class Name(msgspec.Struct, forbid_unknown_fields=True):
    """A new name."""

    name: str


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """How often a code is asked for, and which factor first."""

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
    """A factor to be verified. An app's secret is told here and never again; to a phone a code is on its way."""

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


class CodeOnItsWay(msgspec.Struct):
    """A code that is being sent: from when another may be asked for, and until when it is good."""

    resend_after: str
    expires_at: str


class VerifiedFactor(msgspec.Struct):
    """A factor that counts from now on; the recovery code is there when 2FA became active, or a phone was bound."""

    factor: ListedFactor
    recovery_code: str | UnsetType = UNSET


class RecoveryCodeState(msgspec.Struct):
    """The living recovery code, without itself."""

    created_at: str


class TwoFactorState(msgspec.Struct):
    """How the account is protected. `recovery_code` is the code's text in the one answer that shows it."""

    policy: Policy
    active: bool
    required: bool
    factors: list[ListedFactor]
    default_factor_id: str | None
    recovery_code: RecoveryCodeState | str | None


class NewRecoveryCode(msgspec.Struct):
    """The new recovery code, shown once."""

    recovery_code: str


async def show(ask: Ask) -> TwoFactorState:
    """Show how the account is protected."""
    return await _state(ask, await ask.acts.read(actions.two_factor, ask.known_visitor.account_id), None)


async def choose(ask: Ask, body: Choice) -> TwoFactorState:
    """Set policy and default factor."""
    after, recovery_code = await ask.act(actions.choose, body.policy, body.default_factor_id)
    return await _state(ask, after, recovery_code)


async def begin(ask: Ask, body: NewFactor) -> PendingFactor:
    """Start an enrolment."""
    asked = enrolment.wanted(
        ask.site, body.kind, phone=body.phone, country=body.country, name=body.name, replaces=body.replaces
    )
    pending = await ask.act(enrolment.begin, asked)
    factor = pending.factor
    return PendingFactor(
        id=factor.id,
        kind=factor.kind,
        name=factor.name,
        status="unverified",
        expires_at=rfc3339(factor.expires_at or 0),
        **await _shown(ask, pending),
    )


async def send(ask: Ask) -> CodeOnItsWay:
    """Send another code to a number that is being proven."""
    sent = await ask.act(enrolment.send_again, ask.id("id"))
    return on_its_way(await delivered(ask.acts, sent))


async def verify(ask: Ask, body: Code) -> VerifiedFactor:
    """Make a factor count by its first code."""
    verified = await ask.act(enrolment.verify, ask.id("id"), body.code)
    return VerifiedFactor(listed(ask, verified.factor), verified.recovery_code or UNSET)


async def rename(ask: Ask, body: Name) -> ListedFactor:
    """Rename a factor."""
    return listed(ask, await ask.act(actions.rename, ask.id("id"), body.name))


async def remove(ask: Ask) -> None:
    """Remove a factor."""
    await ask.act(actions.remove, ask.id("id"))


async def renew_recovery_code(ask: Ask) -> NewRecoveryCode:
    """Make a new recovery code."""
    return NewRecoveryCode(await ask.act(actions.renew_recovery_code))


def listed(ask: Ask, factor: Factor) -> ListedFactor:
    """Describe a factor."""
    kind = ask.site.part(Kinds).of(factor.kind)
    return ListedFactor(
        id=factor.id,
        kind=factor.kind,
        name=factor.name,
        status="unverified" if factor.verified_at is None else "verified",
        hint=kind.hint(factor) if kind else "",
        created_at=rfc3339(factor.created_at),
        last_used_at=rfc3339(factor.last_used_at) if factor.last_used_at is not None else None,
    )


def on_its_way(sent: LiveCode) -> CodeOnItsWay:
    """Tell of a code that was sent, without the code."""
    return CodeOnItsWay(rfc3339(sent.resend_at), rfc3339(sent.expires_at))


async def _shown(ask: Ask, pending: Pending) -> Mapping[str, Any]:
    match pending:
        case PendingPhone(sent=LiveCode() as sent):
            await delivered(ask.acts, sent)
            return {"hint": pending.kind.hint(pending.factor), "resend_after": rfc3339(sent.resend_at)}
        case PendingApp():
            return pending.shown()
    return {}


async def _state(ask: Ask, two_factor: TwoFactor, recovery_code: str | None) -> TwoFactorState:
    created_at = await ask.acts.read(ask.site.part(Kinds).recovery.created_at, ask.known_visitor.account_id)
    told: Any = RecoveryCodeState(rfc3339(created_at)) if created_at is not None else None
    return TwoFactorState(
        policy=two_factor.policy,
        active=two_factor.active,
        required=False,
        factors=[listed(ask, factor) for factor in two_factor.factors],
        default_factor_id=two_factor.default.id if two_factor.default else None,
        recovery_code=recovery_code or told,
    )


SENDING_PROBLEMS = (InvalidRequest, TooManyAttempts, CountryNotServed, CannotSend)

ROUTES = (
    Call(
        method="GET",
        path="/api/v1/two-factor",
        handler=show,
        need=Need.SIGNED_IN,
        answer_type=TwoFactorState,
        summary="How your account is protected",
    ),
    Call(
        method="PUT",
        path="/api/v1/two-factor",
        handler=choose,
        need=Need.UNLOCKED,
        body=Choice,
        answer_type=TwoFactorState,
        problems=(InvalidRequest,),
        summary="Set how often a code is asked for, and which factor first",
    ),
    Call(
        method="POST",
        path="/api/v1/factors",
        handler=begin,
        need=Need.UNLOCKED,
        body=NewFactor,
        answer_type=PendingFactor,
        status=201,
        problems=(*SENDING_PROBLEMS, NotFound, Conflict),
        summary="Start to enrol a factor; a code is on its way to a phone",
    ),
    Call(
        method="POST",
        path="/api/v1/factors/{id}/send",
        handler=send,
        need=Need.UNLOCKED,
        answer_type=CodeOnItsWay,
        status=202,
        problems=(*SENDING_PROBLEMS, NotFound),
        summary="Send another code to a number that is being proven",
    ),
    Call(
        method="POST",
        path="/api/v1/factors/{id}/verify",
        handler=verify,
        need=Need.UNLOCKED,
        body=Code,
        answer_type=VerifiedFactor,
        problems=(InvalidRequest, NotFound, Conflict, WrongCode, CodeAlreadyUsed, PhoneClockOff),
        summary="Verify a factor by its first code",
    ),
    Call(
        method="PATCH",
        path="/api/v1/factors/{id}",
        handler=rename,
        need=Need.UNLOCKED,
        body=Name,
        answer_type=ListedFactor,
        problems=(InvalidRequest, NotFound, Conflict),
        summary="Rename a factor",
    ),
    Call(
        method="DELETE",
        path="/api/v1/factors/{id}",
        handler=remove,
        need=Need.UNLOCKED,
        status=204,
        problems=(NotFound,),
        summary="Remove a factor",
    ),
    Call(
        method="POST",
        path="/api/v1/recovery-code",
        handler=renew_recovery_code,
        need=Need.UNLOCKED,
        answer_type=NewRecoveryCode,
        status=201,
        problems=(Conflict,),
        summary="Make a new recovery code; the old one is dead",
    ),
)
