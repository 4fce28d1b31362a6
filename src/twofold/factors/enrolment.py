"""Enrolling a factor: begun, shown again, and made to count by its first code.

What it takes the place of works until then. A phone number is proven by a code that is sent to it; while it is being
proven its owner may change from text to call, and wrong codes stay counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act
from twofold.base.clock import rfc3339
from twofold.base.ids import new_id
from twofold.base.problems import Conflict, FieldError, InvalidRequest, NotFound, Problem
from twofold.base.site import Site
from twofold.base.texts import N_
from twofold.base.visitor import Visitor
from twofold.factors import rules, store
from twofold.factors.actions import say_farewell, settle
from twofold.factors.contract import AppKind, Factor, Kinds, PhoneKind, Right, RightSent, Used, Verdict
from twofold.factors.numbers import Number, check_takes, normal_number
from twofold.factors.proofs import spend
from twofold.factors.rules import Policy, TwoFactor
from twofold.factors.sending import why_not_carried
from twofold.factors.sentcode import actions as sentcode
from twofold.factors.sentcode.rules import LiveCode, Purpose, Request


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to enrol. `number` is there for a phone, `replaces` names the factor that is given up for it."""

    kind: str
    name: str | None = None
    number: Number | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """An unverified factor, and the one that it takes the place of."""

    factor: Factor
    replaced: Factor | None


@dataclass(frozen=True, slots=True)
class PendingApp(Pending):
    """An unverified app and what its owner needs to set it up."""

    kind: AppKind
    offer: Mapping[str, Any]

    def shown(self) -> Mapping[str, Any]:
        """Give the offer with its picture, which is drawn outside the transaction."""
        return self.kind.show(self.offer)


@dataclass(frozen=True, slots=True)
class PendingPhone(Pending):
    """An unverified phone number and the code that was sent to it last."""

    kind: PhoneKind
    sent: LiveCode | None
    not_carried: str | None = None  # why nobody carries it


@dataclass(frozen=True, slots=True)
class Verified:
    """A factor that counts from now on; the recovery code is there when a new one was made."""

    factor: Factor
    recovery_code: str | None


def wanted(
    site: Site, kind: str, *, phone: str | None, country: str | None, name: str | None, replaces: str | None
) -> Wanted:
    """Read what is to be enrolled; a national number is one of `country`. Raises InvalidRequest, CountryNotServed."""
    if site.part(Kinds).of(kind) is None:
        raise _not_offered()
    if site.part(Kinds).phone(kind) is None:
        given = {"phone": phone, "country": country}
        if faults := [
            FieldError(name, N_("Only a phone has a number. Leave this out.")) for name in given if given[name]
        ]:
            raise InvalidRequest(*faults)
        return Wanted(kind, name, None, replaces)
    number = normal_number(phone or "", countries=site.config.phone_countries, region=country or None)
    check_takes(number, kind)
    return Wanted(kind, name, number, replaces)


async def begin(act: Act, visitor: Visitor, asked: Wanted) -> Pending | Problem:
    """Start an enrolment; the code for a phone is on its way then. Returns the refusal of the spending guard.

    Raises InvalidRequest, NotFound, Conflict.
    """
    kinds = act.site.part(Kinds)
    kind = kinds.of(asked.kind)
    if kind is None:
        raise _not_offered()
    before = await store.two_factor(act.tx, visitor.account_id)
    replaced = before.factor(asked.replaces) if asked.replaces else None
    if asked.replaces and replaced is None:
        raise NotFound
    _check_room(before, replaced)
    name = rules.normal_name(asked.name) if asked.name else kind.default_name
    if not asked.name and replaced and replaced.kind == asked.kind:
        name = rules.waiting_name(replaced.name, rfc3339(act.now))
    name = rules.free_name(name, [factor.name for factor in before.factors])
    await store.keep_newest_pending(act.tx, visitor.account_id, rules.MOST_PENDING - 1, act.now)
    if (phone := kinds.phone(asked.kind)) is not None and asked.number is not None:
        return await _enrol_phone(act, visitor, phone, name, asked.number, replaced)
    if (app := kinds.app(asked.kind)) is not None:
        return await _enrol_app(act, visitor, app, name, replaced, is_first=not before.factors)
    raise _not_offered()


async def pending(act: Act, visitor: Visitor, factor_id: str) -> Pending:
    """Show an enrolment again.

    Raises NotFound when it is verified, over, or not the visitor's, and Unavailable when its secret cannot be opened.
    """
    factor = await _pending_factor(act, visitor, factor_id)
    before = await store.two_factor(act.tx, visitor.account_id)
    replaced = before.factor(factor.replaces or "")
    kinds = act.site.part(Kinds)
    if (phone := kinds.phone(factor.kind)) is not None:
        sent = await sentcode.last(act, factor.account_id, _request(factor))
        return PendingPhone(factor, replaced, phone, sent, await why_not_carried(act, sent))
    if (app := kinds.app(factor.kind)) is not None:
        return PendingApp(factor, replaced, app, app.offer(factor, email=visitor.email, is_first=not before.factors))
    raise _not_offered()


async def send_again(act: Act, visitor: Visitor, factor_id: str, *, kind: str | None = None) -> LiveCode | Problem:
    """Send another code to a number that is being proven, perhaps by another `kind`.

    Returns the refusal of the spending guard. Raises NotFound, InvalidRequest for what is no phone.
    """
    factor = await _pending_factor(act, visitor, factor_id)
    phones = act.site.part(Kinds).phone
    if factor.tries >= rules.ENROLMENT_TRIES:
        raise NotFound
    by = phones(kind or factor.kind)
    if by is None or phones(factor.kind) is None:
        raise _not_offered()
    sent = await sentcode.send(act, by, replace(factor, kind=by.kind), _request(factor))
    if not isinstance(sent, Problem):
        await store.change_kind(act.tx, factor.account_id, factor.id, by.kind)
    return sent


async def verify(
    act: Act, visitor: Visitor, factor_id: str, code: str, *, as_default: bool = False
) -> Verified | Problem:
    """Make an enrolled factor count by its first code, which is spent by it; gives the counted refusal of a wrong one.

    `as_default` makes it the one that is asked for first. It is that anyhow where no other is.
    Raises NotFound, InvalidRequest, AlreadyVerified, Conflict, Unavailable.
    """
    factor = await store.find(act.tx, visitor.account_id, factor_id)
    if factor is None:
        raise NotFound
    if factor.verified_at is not None:
        raise rules.AlreadyVerified
    if factor.tries >= rules.ENROLMENT_TRIES or rules.is_over(factor, act.now):
        raise NotFound
    verdict = await _judge(act, factor, rules.normal_code(code))
    if isinstance(verdict, RightSent) and not await spend(act, factor, verdict, _request(factor)):
        verdict = Used(sent=True)
    if isinstance(verdict, Right | RightSent):
        return await _count_from_now_on(act, visitor, factor, verdict, as_default=as_default)
    await store.count_try(act.tx, factor.account_id, factor.id)
    problem = rules.refusal(verdict, rules.ENROLMENT_TRIES - factor.tries - 1)
    await audit.record_refusal(act, Event.FACTOR_ADDED, visitor.account_id, reason=problem.code)
    return problem


def _request(factor: Factor) -> Request:
    return Request(Purpose.ENROLMENT, factor.id)


def _not_offered() -> InvalidRequest:
    return InvalidRequest(FieldError("kind", N_("This method is not set up on this server. Choose another.")))


def _check_room(before: TwoFactor, replaced: Factor | None) -> None:
    if len(before.factors) >= rules.MOST_FACTORS and replaced is None:
        raise Conflict(N_("You can have up to 10 methods. Remove one before you add another."))


async def _pending_factor(act: Act, visitor: Visitor, factor_id: str) -> Factor:
    factor = await store.find(act.tx, visitor.account_id, factor_id)
    if factor is None or factor.verified_at is not None or rules.is_over(factor, act.now):
        raise NotFound
    return factor


async def _enrol_app(
    act: Act, visitor: Visitor, kind: AppKind, name: str, replaced: Factor | None, *, is_first: bool
) -> PendingApp:
    factor_id = new_id()
    enrolment = kind.enrol(
        factor_id=factor_id, account_id=visitor.account_id, email=visitor.email, name=name, is_first=is_first
    )
    factor = await _insert(act, visitor, factor_id, kind.kind, name, enrolment.sealed, replaced)
    return PendingApp(factor, replaced, kind, enrolment.offer)


async def _enrol_phone(
    act: Act,
    visitor: Visitor,
    kind: PhoneKind,
    name: str,
    number: Number,
    replaced: Factor | None,
) -> PendingPhone | Problem:
    factor_id = new_id()
    sealed = kind.seal(number.e164, factor_id=factor_id, account_id=visitor.account_id)
    factor = await _insert(act, visitor, factor_id, kind.kind, name, sealed, replaced)
    sent = await sentcode.send(act, kind, factor, _request(factor))
    if isinstance(sent, Problem):
        await store.delete(act.tx, visitor.account_id, factor_id)
        return sent
    return PendingPhone(factor, replaced, kind, sent)


async def _insert(
    act: Act, visitor: Visitor, factor_id: str, kind: str, name: str, sealed: bytes, replaced: Factor | None
) -> Factor:
    factor = Factor(
        id=factor_id,
        account_id=visitor.account_id,
        kind=kind,
        name=name,
        sealed=sealed,
        last_step=-1,
        tries=0,
        replaces=replaced.id if replaced else None,
        created_at=act.now,
        expires_at=act.now + rules.ENROLMENT_LIFE,
        verified_at=None,
        last_used_at=None,
    )
    await store.insert(act.tx, factor)
    await audit.record(act, Event.FACTOR_STARTED, visitor.account_id, factor=factor_id, kind=kind)
    return factor


async def _judge(act: Act, factor: Factor, code: str) -> Verdict:
    kinds = act.site.part(Kinds)
    if (app := kinds.app(factor.kind)) is not None:
        return app.check(factor, code, act.now, explain_ahead=True)
    if kinds.phone(factor.kind) is None:
        raise _not_offered()
    return (await sentcode.judge(act, factor.account_id, _request(factor), code))[1]


async def _count_from_now_on(
    act: Act, visitor: Visitor, factor: Factor, verdict: Right | RightSent, *, as_default: bool
) -> Verified:
    before = await store.two_factor(act.tx, visitor.account_id)
    replaced = before.factor(factor.replaces or "")
    _check_room(before, replaced)
    step = verdict.step if isinstance(verdict, Right) else -1
    if not await store.verify(act.tx, factor.account_id, factor.id, step, act.now):
        raise rules.AlreadyVerified
    if replaced:
        await store.delete(act.tx, visitor.account_id, replaced.id)
        factor = replace(factor, name=rules.name_after(factor, replaced, rfc3339(factor.created_at)))
        await store.rename(act.tx, visitor.account_id, factor.id, factor.name)
        await say_farewell(act, replaced)
    policy = Policy.EVERY_LOG_IN if before.policy is Policy.DISABLED else before.policy
    was_default = before.default is None or (replaced is not None and before.default.id == replaced.id)
    default = factor.id if was_default or as_default else before.default_factor_id
    await store.save_choice(act.tx, visitor.account_id, policy, default)
    event = Event.FACTOR_REPLACED if replaced else Event.FACTOR_ADDED
    await audit.record(act, event, visitor.account_id, factor=factor.id, kind=factor.kind, name=factor.name)
    after = await store.two_factor(act.tx, visitor.account_id)
    told = Event.FACTOR_DEFAULT_CHANGED if as_default and before.default else None
    recovery_code = await settle(act, visitor, before, after, told, bound=isinstance(verdict, RightSent))
    return Verified(next(known for known in after.factors if known.id == factor.id), recovery_code)
