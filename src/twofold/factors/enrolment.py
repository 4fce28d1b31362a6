"""The enrolment of a factor: start it, show it again, and verify it with its first correct answer.

The factor that it replaces works until then. While a factor is being verified, its owner may switch to another kind of
its group, for example from text message to voice call; wrong answers stay counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from twofold.accounts import caps
from twofold.accounts.consequences import Act
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.clock import rfc3339
from twofold.base.ids import sortable_id
from twofold.base.problems import Conflict, FieldError, InvalidRequest, NotFound, Problem
from twofold.base.site import HasSite
from twofold.base.texts import N_
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.factors import rules, store
from twofold.factors.actions import act_on_removal, settle
from twofold.factors.contract import Answers, Challenge, Factor, Kind, NewFactor, Purpose, Request, kinds
from twofold.factors.rules import Policy, TwoFactor
from twofold.factors.verification import prove
from twofold.sessions.rules import rests_on


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """What to enrol; `details` are as parsed by its kind, and `replaces` is the id of the factor that it replaces."""

    kind: str
    name: str | None = None
    details: Any = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """An unverified factor, the data its owner needs to set it up, and the factor that it replaces."""

    factor: Factor
    kind: Kind
    replaced: Factor | None
    offer: Mapping[str, Any]
    challenge: Challenge | None = None

    def rendered_offer(self) -> Mapping[str, Any]:
        """Return the offer with the parts that are rendered outside a transaction."""
        return self.kind.render_offer(self.offer)


@dataclass(frozen=True, slots=True)
class Verified:
    """A factor that has just been verified, and the recovery code if a new one was created."""

    factor: Factor
    recovery_code: str | None


@dataclass(frozen=True, slots=True)
class _EnrolmentFailures:
    """Wrong answers to an enrolment; they end only that enrolment."""

    factor: Factor

    async def count(self, uow: UnitOfWork) -> int:
        """Count a wrong answer; return how many more are allowed."""
        await store.count_try(uow.tx, self.factor.account_id, self.factor.id)
        return rules.ENROLMENT_TRIES - self.factor.tries - 1

    async def reset(self, uow: UnitOfWork) -> None:
        """Do nothing, because the enrolment has ended."""

    async def record(self, uow: UnitOfWork, event: Event, reason: str) -> None:
        """Record a refusal."""
        await audit.record_refusal(uow, event, self.factor.account_id, reason=reason)


def read_request(
    holder: HasSite,
    kind: str,
    fields: Mapping[str, str | None],
    *,
    name: str | None = None,
    replaces: str | None = None,
) -> EnrolmentRequest:
    """Return what to enrol; its kind parses `fields`. Raise InvalidRequest or CountryNotServed."""
    wanted = kinds(holder).get(kind)
    if wanted is None:
        raise _not_offered()
    if faults := [
        FieldError(field, N_("This method does not use this field. Leave it out."))
        for field in fields
        if field not in wanted.details
    ]:
        raise InvalidRequest(*faults)
    return EnrolmentRequest(kind, name, wanted.read_details(fields), replaces)


async def begin(uow: UnitOfWork, visitor: Visitor, wanted: EnrolmentRequest) -> Pending | Problem:
    """Start an enrolment and challenge its owner, for example by sending a code to a phone.

    Return the refusal if a limit is reached. Raise InvalidRequest, NotFound or Conflict.
    """
    kind = kinds(uow).get(wanted.kind)
    if kind is None:
        raise _not_offered()
    before = await store.two_factor(uow.tx, visitor.account_id)
    replaced = before.factor(wanted.replaces) if wanted.replaces else None
    if wanted.replaces and replaced is None:
        raise NotFound
    _check_capacity(before, wanted.kind, replaced)
    _check_replaceable(visitor, replaced)
    name = rules.normal_name(wanted.name) if wanted.name else kind.default_name
    if not wanted.name and replaced and replaced.kind == wanted.kind:
        name = rules.provisional_name(replaced.name, rfc3339(uow.now))
    name = rules.unique_name(name, [factor.name for factor in before.factors])
    await store.keep_newest_pending(uow.tx, visitor.account_id, caps.PENDING_ENROLMENTS.maximum - 1, uow.now)
    new = NewFactor(
        sortable_id(uow.now), visitor.account_id, visitor.email, name, not before.factors, details=wanted.details
    )
    return await _enrol(uow, kind, new, replaced)


async def pending(uow: UnitOfWork, visitor: Visitor, factor_id: str) -> Pending:
    """Return an unfinished enrolment.

    Raise NotFound if it is verified, expired or not the visitor's, and Unavailable if its secret cannot be opened.
    """
    factor = await _pending_factor(uow, visitor, factor_id)
    before = await store.two_factor(uow.tx, visitor.account_id)
    kind = kinds(uow).get(factor.kind)
    if kind is None:
        raise _not_offered()
    offer = kind.offer(factor, email=visitor.email, is_first=not before.factors)
    challenge = await kind.last_challenge(uow, [factor], _request(factor))
    return Pending(factor, kind, before.factor(factor.replaces or ""), offer, challenge)


async def challenge_again(
    uow: UnitOfWork, visitor: Visitor, factor_id: str, *, kind: str | None = None
) -> Challenge | Problem:
    """Challenge the owner of an unverified factor again, optionally by another `kind` of its group.

    Return the refusal if a limit is reached. Raise NotFound, or InvalidRequest for a kind without challenges.
    """
    factor = await _pending_factor(uow, visitor, factor_id)
    if factor.tries >= rules.ENROLMENT_TRIES:
        raise NotFound
    before, after = kinds(uow).get(factor.kind), kinds(uow).get(kind or factor.kind)
    if before is None or after is None or before.group != after.group:
        raise _not_offered()
    challenge = await after.challenge(uow, replace(factor, kind=after.kind), _request(factor))
    if challenge is None:
        raise _not_offered()
    if not isinstance(challenge, Problem):
        await store.change_kind(uow.tx, factor.account_id, factor.id, after.kind)
    return challenge


async def verify(
    uow: UnitOfWork, visitor: Visitor, factor_id: str, answers: Answers, *, as_default: bool = False
) -> Verified | Problem:
    """Verify an enrolled factor with its first correct answer; return the counted refusal of a wrong one.

    `as_default` makes it the factor that is asked for first, which it also becomes if there is no other default.
    Raise NotFound, InvalidRequest, AlreadyVerified, Conflict or Unavailable.
    """
    factor = await store.find(uow.tx, visitor.account_id, factor_id)
    if factor is None:
        raise NotFound
    if factor.verified_at is not None:
        raise rules.AlreadyVerified
    if factor.tries >= rules.ENROLMENT_TRIES or rules.has_expired(factor, uow.now):
        raise NotFound
    kind = kinds(uow).get(factor.kind)
    if kind is None:
        raise _not_offered()
    proven = await prove(uow, Event.FACTOR_ADDED, [factor], answers, _request(factor), _EnrolmentFailures(factor))
    if isinstance(proven, Problem):
        return proven
    return await _activate(uow, visitor, factor, kind, as_default=as_default)


async def end_enrolments(uow: UnitOfWork, act: Act) -> None:
    """Cancel the unfinished enrolments of an account."""
    await store.delete_pending(uow.tx, act.account_id)


def _request(factor: Factor) -> Request:
    return Request(Purpose.ENROLMENT, factor.id)


def _not_offered() -> InvalidRequest:
    return InvalidRequest(FieldError("kind", N_("This method is not available on this server. Choose another.")))


def _check_capacity(before: TwoFactor, kind: str, replaced: Factor | None) -> None:
    if rules.is_full([each for each in before.factors if each is not replaced], kind):
        raise Conflict(N_("You can have up to 10 methods of one kind. Remove one before you add another."))


def _check_replaceable(visitor: Visitor, replaced: Factor | None) -> None:
    """Raise Conflict if the session rests on the replaced factor alone: a new one proves nothing before it is used."""
    if replaced and rests_on(visitor.proofs, replaced.id):
        raise Conflict(
            N_("You are signed in with this method alone. Authenticate with your password, then replace it.")
        )


async def _pending_factor(uow: UnitOfWork, visitor: Visitor, factor_id: str) -> Factor:
    factor = await store.find(uow.tx, visitor.account_id, factor_id)
    if factor is None or factor.verified_at is not None or rules.has_expired(factor, uow.now):
        raise NotFound
    return factor


async def _enrol(uow: UnitOfWork, kind: Kind, new: NewFactor, replaced: Factor | None) -> Pending | Problem:
    enrolment = kind.enrol(new)
    factor = Factor(
        id=new.id,
        account_id=new.account_id,
        kind=kind.kind,
        name=new.name,
        sealed=enrolment.sealed,
        last_step=-1,
        tries=0,
        replaces=replaced.id if replaced else None,
        created_at=uow.now,
        expires_at=uow.now + rules.ENROLMENT_LIFETIME,
        verified_at=None,
        last_used_at=None,
    )
    await store.insert(uow.tx, factor)
    await audit.record(uow, Event.FACTOR_STARTED, new.account_id, factor=new.id, kind=kind.kind)
    challenge = await kind.challenge(uow, factor, _request(factor))
    if isinstance(challenge, Problem):
        await store.delete(uow.tx, new.account_id, new.id)
        return challenge
    return Pending(factor, kind, replaced, enrolment.offer, challenge)


async def _activate(uow: UnitOfWork, visitor: Visitor, factor: Factor, kind: Kind, *, as_default: bool) -> Verified:
    before = await store.two_factor(uow.tx, visitor.account_id)
    replaced = before.factor(factor.replaces or "")
    _check_capacity(before, factor.kind, replaced)
    _check_replaceable(visitor, replaced)
    if not await store.verify(uow.tx, factor.account_id, factor.id, uow.now):
        raise rules.AlreadyVerified
    if replaced:
        await store.delete(uow.tx, visitor.account_id, replaced.id)
        factor = replace(factor, name=rules.name_after(factor, replaced, rfc3339(factor.created_at)))
        await store.rename(uow.tx, visitor.account_id, factor.id, factor.name)
    policy = Policy.EVERY_LOG_IN if before.policy is Policy.DISABLED else before.policy
    was_default = before.default is None or (replaced is not None and before.default.id == replaced.id)
    default = factor.id if was_default or as_default else before.default_factor_id
    await store.save_choice(uow.tx, visitor.account_id, policy, default)
    event = Event.FACTOR_REPLACED if replaced else Event.FACTOR_ADDED
    await audit.record(uow, event, visitor.account_id, factor=factor.id, kind=factor.kind, name=factor.name)
    after = await store.two_factor(uow.tx, visitor.account_id)
    if replaced:
        await act_on_removal(uow, replaced, after)
    default_event = Event.FACTOR_DEFAULT_CHANGED if as_default and before.default else None
    recovery_code = await settle(uow, visitor, before, after, default_event, enrolled=kind.change)
    return Verified(next(known for known in after.factors if known.id == factor.id), recovery_code)
