"""Changes to the factors of an account, and to how often a code is asked for.

`settle` compares the state before and after each change and applies the consequences in the table of
`accounts/consequences.py`.
"""

from msgspec.structs import replace

from twofold.accounts.consequences import CONSEQUENCES, Act, Change, Effect, Item
from twofold.accounts.endings import apply_consequences
from twofold.accounts.rules import Account
from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.database import Reply
from twofold.base.problems import Conflict, FieldError, InvalidRequest, NotFound
from twofold.base.texts import N_, visible_form
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import LockedSettings, Visitor
from twofold.factors import rules, store
from twofold.factors.contract import Factor, kinds
from twofold.factors.rules import Policy, TwoFactor
from twofold.sessions.proofs import remove_proofs
from twofold.sessions.rules import RECOVERY_CODE, is_unlocked

_EVENTS = {
    Change.TWO_FACTOR_ACTIVATED: Event.TWO_FACTOR_ACTIVATED,
    Change.TWO_FACTOR_DISABLED: Event.TWO_FACTOR_DISABLED,
    Change.POLICY_CHANGED: Event.TWO_FACTOR_POLICY_CHANGED,
}


def two_factor(uow: UnitOfWork, account_id: str) -> Reply[TwoFactor]:
    """Load an account's policy, default factor and verified factors."""
    return store.two_factor(uow.tx, account_id)


async def choose(
    uow: UnitOfWork, visitor: Visitor, policy: Policy | None, default_factor_id: str | None
) -> tuple[TwoFactor, str | None]:
    """Set how often a code is asked for, or the default factor; return the recovery code if 2FA became active.

    Raise InvalidRequest for a default that is not one of the account's verified factors.
    """
    before = await store.two_factor(uow.tx, visitor.account_id)
    if default_factor_id is not None and before.factor(default_factor_id) is None:
        raise InvalidRequest(FieldError("default_factor_id", N_("Choose one of your verified methods.")))
    default = default_factor_id or before.default_factor_id
    chosen = policy or before.policy
    await store.save_choice(uow.tx, visitor.account_id, chosen, default)
    after = replace(before, policy=chosen, default_factor_id=default)
    return after, await settle(uow, visitor, before, after, Event.FACTOR_DEFAULT_CHANGED)


async def rename(uow: UnitOfWork, visitor: Visitor, factor_id: str, name: str) -> Factor:
    """Rename a factor. Raise NotFound, Conflict or InvalidRequest."""
    wanted = rules.normal_name(name)
    before = await store.two_factor(uow.tx, visitor.account_id)
    factor = before.factor(factor_id)
    if factor is None:
        raise NotFound
    if any(visible_form(other.name) == visible_form(wanted) and other.id != factor_id for other in before.factors):
        raise Conflict(N_("You already have a method with this name. Choose a different name."), at="name")
    if wanted == factor.name:
        return factor
    await store.rename(uow.tx, visitor.account_id, factor_id, wanted)
    await audit.record(uow, Event.FACTOR_RENAMED, visitor.account_id, factor=factor_id)
    return replace(factor, name=wanted)


async def renew_recovery_code(uow: UnitOfWork, visitor: Visitor) -> str:
    """Create a new recovery code; the old one stops working. Raise Conflict while 2FA is off."""
    if not (await store.two_factor(uow.tx, visitor.account_id)).active:
        raise Conflict(N_("Recovery codes are part of two-factor authentication. Turn that on first."))
    await audit.record(uow, Event.RECOVERY_CODE_RENEWED, visitor.account_id)
    await apply_consequences(uow, Change.RECOVERY_CODE_RENEWED, visitor.account_id)
    return await kinds(uow).recovery.issue(uow, visitor.account_id)


async def confirm_recovery_code(uow: UnitOfWork, visitor: Visitor, shown: str) -> None:
    """Record that the recovery code is saved. Raise LockedSettings if settings are locked.

    The page that showed the code has a token (`shown`), so it may confirm even after the settings are locked again.
    """
    recovery = kinds(uow).recovery
    if not (is_unlocked(visitor, uow.now) or await recovery.is_confirmation_token(uow, visitor.account_id, shown)):
        raise LockedSettings
    if await recovery.confirm_saved(uow, visitor.account_id):
        await audit.record(uow, Event.RECOVERY_CODE_SAVED, visitor.account_id)


async def has_saved_code(uow: UnitOfWork, visitor: Visitor) -> bool:
    """Return whether the visitor has confirmed that the recovery code is saved, or has none."""
    return await kinds(uow).recovery.is_saved(uow, visitor.account_id)


async def reset(uow: UnitOfWork, account: Account) -> None:
    """Remove every factor and the recovery code, as administrators do for locked-out users."""
    await store.delete_all(uow.tx, account.id)
    await apply_consequences(uow, Change.RESET_BY_ADMINISTRATOR, account.id)
    await audit.record(uow, Event.TWO_FACTOR_RESET, account.id)


async def end_recovery_code(uow: UnitOfWork, act: Act) -> None:
    """Delete the recovery code; an act that creates a new one does so afterwards."""
    await kinds(uow).recovery.revoke(uow, act.account_id)


async def reset_future_state(uow: UnitOfWork, account: Account) -> None:
    """Reset what was recorded while the clock was ahead."""
    for kind in kinds(uow).known:
        await kind.reset_future_state(uow, account.id)


async def settle(
    uow: UnitOfWork,
    visitor: Visitor,
    before: TwoFactor,
    after: TwoFactor,
    default_event: Event | None,
    *,
    enrolled: Change | None = None,
) -> str | None:
    """Apply the consequences of a change between two states; `enrolled` is the change that a new factor's kind causes.

    Return the recovery code if the change creates a new one.
    """
    change = rules.change_of(before, after, enrolled=enrolled)
    if change is None:
        return None
    event = _EVENTS.get(change, default_event)
    if event is not None:
        await audit.record(uow, event, visitor.account_id, policy=after.policy.value)
    await apply_consequences(uow, change, visitor.account_id, session_id=visitor.session_id)
    if removed_proofs := _removed_proofs(before, after, change):
        await remove_proofs(uow, visitor, removed_proofs)
    if CONSEQUENCES[change][Item.RECOVERY_CODE] is Effect.NEW:
        return await kinds(uow).recovery.issue(uow, visitor.account_id)
    return None


async def act_on_removal(uow: UnitOfWork, factor: Factor, after: TwoFactor) -> None:
    """Let the kind of a removed factor act on its removal."""
    if (kind := kinds(uow).get(factor.kind)) is not None:
        await kind.on_removal(uow, factor, after.factors)


def _removed_proofs(before: TwoFactor, after: TwoFactor, change: Change) -> set[str]:
    """Return the sources of proofs that a change removes."""
    factors = {factor.id for factor in before.factors} - {factor.id for factor in after.factors}
    return factors | ({RECOVERY_CODE} if CONSEQUENCES[change][Item.RECOVERY_CODE] is Effect.END else set())
