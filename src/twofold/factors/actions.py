"""Changing what an account has enrolled, and how often a code is asked for.

Every change ends what the contract's table says (section 3): `settle` compares before with after and carries it out.
"""

from msgspec.structs import replace

from twofold.accounts import store as accounts
from twofold.accounts.rules import CONSEQUENCES, Account, Change, RecoveryCode
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.acts import Act
from twofold.base.languages import spoken
from twofold.base.outbox import post
from twofold.base.problems import Conflict, FieldError, InvalidRequest, NotFound, Unavailable
from twofold.base.texts import N_
from twofold.base.visitor import Visitor
from twofold.factors import rules, store
from twofold.factors.contract import Factor, Kinds
from twofold.factors.rules import Policy, TwoFactor
from twofold.sessions.actions import carry_out

_EVENTS = {
    Change.TWO_FACTOR_ACTIVATED: Event.TWO_FACTOR_ACTIVATED,
    Change.TWO_FACTOR_DISABLED: Event.TWO_FACTOR_DISABLED,
    Change.POLICY_CHANGED: Event.TWO_FACTOR_POLICY_CHANGED,
}
_FAREWELL_LIFE = 86_400  # seconds


async def two_factor(act: Act, account_id: str) -> TwoFactor:
    """Load an account's choice and its verified factors."""
    return await store.two_factor(act.tx, account_id)


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
    return after, await settle(act, visitor, before, after, Event.FACTOR_DEFAULT_CHANGED)


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
    if factor is None or rules.is_over(factor, act.now):
        raise NotFound
    before = await store.two_factor(act.tx, visitor.account_id)
    await store.delete(act.tx, visitor.account_id, factor_id)
    if factor.verified_at is None:
        return
    await audit.record(act, Event.FACTOR_REMOVED, visitor.account_id, factor=factor_id, name=factor.name)
    await say_farewell(act, factor)
    after = await _without(act, before, visitor.account_id, factor_id)
    await settle(act, visitor, before, after, None)


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


async def settle(
    act: Act, visitor: Visitor, before: TwoFactor, after: TwoFactor, default_event: Event | None, *, bound: bool = False
) -> str | None:
    """Carry out what a change between two states ends; `bound` tells that it bound a phone number.

    Gives the recovery code where the change makes a new one.
    """
    change = rules.change_of(before, after, bound=bound)
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


async def say_farewell(act: Act, factor: Factor) -> None:
    """Tell a phone that its number is no longer used: an intruder who takes it off cannot keep that quiet.

    The factor is gone already; a number that another one still uses is told nothing.
    """
    kind = act.site.part(Kinds).phone(factor.kind)
    if kind is None:
        return
    left = (await store.two_factor(act.tx, factor.account_id)).factors
    try:
        number = kind.number(factor)
        if number in [phone.number(each) for each in left if (phone := act.site.part(Kinds).phone(each.kind))]:
            return
        with spoken(act, await accounts.locale_of(act.tx, factor.account_id)):
            message = kind.farewell(number)
    except Unavailable:  # nobody can be told; what was asked for is done all the same
        return
    await post(act, message, expires_at=act.now + _FAREWELL_LIFE)


async def _without(act: Act, before: TwoFactor, account_id: str, factor_id: str) -> TwoFactor:
    left = tuple(factor for factor in before.factors if factor.id != factor_id)
    policy = before.policy if left else Policy.DISABLED
    default = None if before.default_factor_id == factor_id else before.default_factor_id
    await store.save_choice(act.tx, account_id, policy, default)
    return TwoFactor(policy, left, default)
