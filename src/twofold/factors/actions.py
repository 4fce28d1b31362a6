"""Changing what an account has enrolled, and how often a code is asked for.

Every change ends what the contract's table says (section 3): `_settle` compares before with after and carries it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from twofold.accounts.rules import CONSEQUENCES, Account, Change, RecoveryCode
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act
from twofold.base.ids import new_id
from twofold.base.problems import Conflict, FieldError, InvalidRequest, NotFound, Problem
from twofold.base.texts import N_
from twofold.base.visitor import Visitor
from twofold.factors import rules, store
from twofold.factors.contract import Factor, Kind, Kinds, Right
from twofold.factors.rules import Policy, TwoFactor
from twofold.sessions.actions import carry_out

_EVENTS = {
    Change.TWO_FACTOR_ACTIVATED: Event.TWO_FACTOR_ACTIVATED,
    Change.TWO_FACTOR_DISABLED: Event.TWO_FACTOR_DISABLED,
    Change.POLICY_CHANGED: Event.TWO_FACTOR_POLICY_CHANGED,
}


@dataclass(frozen=True, slots=True)
class Pending:
    """An unverified factor and what its owner needs to set it up."""

    factor: Factor
    kind: Kind
    offer: Mapping[str, Any]
    replaced: Factor | None

    def shown(self) -> Mapping[str, Any]:
        """Give the offer with its picture, which is drawn outside the transaction."""
        return self.kind.show(self.offer)


@dataclass(frozen=True, slots=True)
class Verified:
    """A factor that counts from now on; the recovery code is there when 2FA became active by it."""

    factor: Factor
    recovery_code: str | None


async def two_factor(act: Act, account_id: str) -> TwoFactor:
    """Load an account's choice and its verified factors."""
    return await store.two_factor(act.tx, account_id)


async def begin(act: Act, visitor: Visitor, kind: str, name: str | None, replaces: str | None) -> Pending:
    """Start an enrolment; what it replaces works until the new one is verified.

    Raises InvalidRequest, NotFound, Conflict.
    """
    made_by = _kind(act, kind)
    before = await store.two_factor(act.tx, visitor.account_id)
    replaced = before.factor(replaces) if replaces else None
    if replaces and replaced is None:
        raise NotFound
    _check_room(before, replaced)
    wanted = rules.normal_name(name) if name else N_("Authenticator app")
    name = rules.free_name(wanted, [factor.name for factor in before.factors])
    await store.keep_newest_pending(act.tx, visitor.account_id, rules.MOST_PENDING - 1, act.now)
    return await _enrol(act, visitor, made_by, name, replaced, is_first=not before.factors)


async def pending(act: Act, visitor: Visitor, factor_id: str) -> Pending:
    """Show an enrolment again.

    Raises NotFound when it is verified, over, or not the visitor's, and Unavailable when its secret cannot be opened.
    """
    factor = await store.find(act.tx, visitor.account_id, factor_id)
    if factor is None or factor.verified_at is not None or act.now >= (factor.expires_at or 0):
        raise NotFound
    before = await store.two_factor(act.tx, visitor.account_id)
    kind = _kind(act, factor.kind)
    offer = kind.offer(factor, email=visitor.email, is_first=not before.factors)
    return Pending(factor, kind, offer, before.factor(factor.replaces or ""))


async def verify(act: Act, visitor: Visitor, factor_id: str, code: str) -> Verified | Problem:
    """Make an enrolled factor count by its first code, which is spent by it; gives the counted refusal of a wrong one.

    Raises NotFound, InvalidRequest, AlreadyVerified, Conflict, Unavailable.
    """
    factor = await store.find(act.tx, visitor.account_id, factor_id)
    if factor is None:
        raise NotFound
    if factor.verified_at is not None:
        raise rules.AlreadyVerified
    if factor.tries >= rules.ENROLMENT_TRIES or act.now >= (factor.expires_at or 0):
        raise NotFound
    verdict = _kind(act, factor.kind).check(factor, rules.normal_code(code), act.now, explain_ahead=True)
    if not isinstance(verdict, Right):
        await store.count_try(act.tx, factor.id)
        problem = rules.refusal(verdict, rules.ENROLMENT_TRIES - factor.tries - 1)
        await audit.record_refusal(act, Event.FACTOR_ADDED, visitor.account_id, reason=problem.code)
        return problem
    return await _count_from_now_on(act, visitor, factor, verdict.step)


async def choose(
    act: Act, visitor: Visitor, policy: Policy | None, default_factor_id: str | None
) -> tuple[TwoFactor, str | None]:
    """Set how often a code is asked for, or which factor first; gives the recovery code if 2FA became active.

    Raises InvalidRequest for a default that is not one of the account's verified factors.
    """
    before = await store.two_factor(act.tx, visitor.account_id)
    if default_factor_id is not None and before.factor(default_factor_id) is None:
        raise InvalidRequest(FieldError("default_factor_id", N_("Choose one of your own verified methods.")))
    default = default_factor_id or before.default_factor_id
    chosen = policy or before.policy
    await store.save_choice(act.tx, visitor.account_id, chosen, default)
    after = replace(before, policy=chosen, default_factor_id=default)
    return after, await _settle(act, visitor, before, after, Event.FACTOR_DEFAULT_CHANGED)


async def rename(act: Act, visitor: Visitor, factor_id: str, name: str) -> Factor:
    """Rename a factor. Raises NotFound, Conflict, InvalidRequest."""
    wanted = rules.normal_name(name)
    before = await store.two_factor(act.tx, visitor.account_id)
    factor = before.factor(factor_id)
    if factor is None:
        raise NotFound
    if any(other.name == wanted and other.id != factor_id for other in before.factors):
        raise Conflict(N_("Another of your methods has this name. Choose a different one."), at="name")
    await store.rename(act.tx, visitor.account_id, factor_id, wanted)
    await audit.record(act, Event.FACTOR_RENAMED, visitor.account_id, factor=factor_id)
    return replace(factor, name=wanted)


async def remove(act: Act, visitor: Visitor, factor_id: str) -> None:
    """Remove a factor, or give up an enrolment; without the last factor 2FA is off. Raises NotFound."""
    factor = await store.find(act.tx, visitor.account_id, factor_id)
    if factor is None:
        raise NotFound
    before = await store.two_factor(act.tx, visitor.account_id)
    await store.delete(act.tx, visitor.account_id, factor_id)
    if factor.verified_at is None:
        return
    await audit.record(act, Event.FACTOR_REMOVED, visitor.account_id, factor=factor_id, name=factor.name)
    after = await _without(act, before, visitor.account_id, factor_id)
    await _settle(act, visitor, before, after, None)


async def renew_recovery_code(act: Act, visitor: Visitor) -> str:
    """Make a new recovery code; the old one is dead. Raises Conflict while 2FA is off."""
    if not (await store.two_factor(act.tx, visitor.account_id)).active:
        raise Conflict(N_("A recovery code belongs to two-factor authentication. Turn that on first."))
    await audit.record(act, Event.RECOVERY_CODE_RENEWED, visitor.account_id)
    return await act.site.part(Kinds).recovery.issue(act, visitor.account_id)


async def confirm_recovery_code(act: Act, visitor: Visitor) -> None:
    """Note that the recovery code is saved."""
    await act.site.part(Kinds).recovery.confirm_saved(act, visitor.account_id)
    await audit.record(act, Event.RECOVERY_CODE_SAVED, visitor.account_id)


async def has_unsaved_code(act: Act, visitor: Visitor) -> bool:
    """Tell whether there is a recovery code that its owner has not confirmed as saved."""
    return not await act.site.part(Kinds).recovery.is_saved(act, visitor.account_id)


async def reset(act: Act, account: Account) -> None:
    """Remove every factor and the recovery code, as administrators do for the locked-out."""
    await store.delete_all(act.tx, account.id)
    await act.site.part(Kinds).recovery.revoke(act, account.id)
    await carry_out(act, Change.RESET_BY_ADMINISTRATOR, account.id)
    await audit.record(act, Event.TWO_FACTOR_RESET, account.id)


async def forget_future_steps(act: Act, account: Account) -> None:
    """Take back remembered time steps that lie in the future."""
    await store.forget_future_steps(act.tx, account.id, act.now // 30)


def _kind(act: Act, kind: str) -> Kind:
    made_by = act.site.part(Kinds).of(kind)
    if made_by is None:
        raise InvalidRequest(FieldError("kind", N_("This method is not set up on this server. Choose another.")))
    return made_by


def _check_room(before: TwoFactor, replaced: Factor | None) -> None:
    if len(before.factors) >= rules.MOST_FACTORS and replaced is None:
        raise Conflict(N_("You can have up to 10 methods. Remove one before you add another."))


async def _enrol(
    act: Act, visitor: Visitor, made_by: Kind, name: str, replaced: Factor | None, *, is_first: bool
) -> Pending:
    factor_id = new_id()
    enrolment = made_by.enrol(
        factor_id=factor_id, account_id=visitor.account_id, email=visitor.email, name=name, is_first=is_first
    )
    factor = Factor(
        id=factor_id,
        account_id=visitor.account_id,
        kind=made_by.kind,
        name=name,
        sealed=enrolment.sealed,
        last_step=-1,
        tries=0,
        replaces=replaced.id if replaced else None,
        created_at=act.now,
        expires_at=act.now + rules.ENROLMENT_LIFE,
        verified_at=None,
        last_used_at=None,
    )
    await store.insert(act.tx, factor)
    await audit.record(act, Event.FACTOR_STARTED, visitor.account_id, factor=factor_id, kind=made_by.kind)
    return Pending(factor, made_by, enrolment.offer, replaced)


async def _count_from_now_on(act: Act, visitor: Visitor, factor: Factor, step: int) -> Verified:
    before = await store.two_factor(act.tx, visitor.account_id)
    replaced = before.factor(factor.replaces or "")
    _check_room(before, replaced)
    if not await store.verify(act.tx, factor.id, step, act.now):
        raise rules.AlreadyVerified
    if replaced:
        await store.delete(act.tx, visitor.account_id, replaced.id)
    policy = Policy.EVERY_LOG_IN if before.policy is Policy.DISABLED else before.policy
    was_default = before.default is None or (replaced is not None and before.default.id == replaced.id)
    default = factor.id if was_default else before.default_factor_id
    await store.save_choice(act.tx, visitor.account_id, policy, default)
    event = Event.FACTOR_REPLACED if replaced else Event.FACTOR_ADDED
    await audit.record(act, event, visitor.account_id, factor=factor.id, kind=factor.kind, name=factor.name)
    after = await store.two_factor(act.tx, visitor.account_id)
    recovery_code = await _settle(act, visitor, before, after, None)
    return Verified(next(known for known in after.factors if known.id == factor.id), recovery_code)


async def _without(act: Act, before: TwoFactor, account_id: str, factor_id: str) -> TwoFactor:
    left = tuple(factor for factor in before.factors if factor.id != factor_id)
    policy = before.policy if left else Policy.DISABLED
    default = None if before.default_factor_id == factor_id else before.default_factor_id
    await store.save_choice(act.tx, account_id, policy, default)
    return TwoFactor(policy, left, default)


async def _settle(
    act: Act, visitor: Visitor, before: TwoFactor, after: TwoFactor, default_event: Event | None
) -> str | None:
    change = rules.change_of(before, after)
    if change is None:
        return None
    event = _EVENTS.get(change, default_event)
    if event is not None:
        await audit.record(act, event, visitor.account_id, policy=after.policy.value)
    await carry_out(act, change, visitor.account_id, session_id=visitor.session_id)
    recovery = act.site.part(Kinds).recovery
    match CONSEQUENCES[change].recovery_code:
        case RecoveryCode.NEW:
            return await recovery.issue(act, visitor.account_id)
        case RecoveryCode.DIES:
            await recovery.revoke(act, visitor.account_id)
    return None
