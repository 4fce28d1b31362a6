"""Record completed steps, and repeat one whose answer may have been lost.

A step consumes the recovery code, and only its answer contains the next one, so a user who loses the answer would be
locked out. Therefore a step may be repeated while the session of its earlier answer is unused.
"""

import msgspec

from twofold.audit import actions as audit
from twofold.audit.events import Event
from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.database import Reply
from twofold.base.ids import token_hash
from twofold.base.unit_of_work import UnitOfWork
from twofold.factors.contract import kinds
from twofold.repeats import rules, store
from twofold.repeats.rules import Purpose, SignInCompleted
from twofold.repeats.store import Step
from twofold.sessions import actions as sessions
from twofold.sessions.actions import Token


class Repeated(msgspec.Struct, frozen=True):
    """The new answer to a repeated step; `unlocked_until` is epoch seconds."""

    account_id: str
    session: Token
    unlocked_until: int
    recovery_code: str


def remember(
    uow: UnitOfWork,
    token: str,
    account_id: str,
    purpose: Purpose,
    session: Token,
    *,
    used_code: str | None = None,
    new_code: str | None = None,
) -> None:
    """Record that the step of this token was completed, with the hash of its recovery code."""
    recovery = kinds(uow).recovery
    key = token_hash(token)
    others = store.insert(
        uow.tx,
        key,
        account_id,
        purpose=purpose.value,
        used_code=recovery.hash_of(account_id, used_code) if used_code else None,
        new_code=recovery.hash_of(account_id, new_code) if new_code else None,
        session_hash=token_hash(session.token),
        now=uow.now,
        expires_at=uow.now + purpose.remembered,
    )
    uow.before_commit.append(lambda: _keep_newest(uow, account_id, key, others))


async def _keep_newest(uow: UnitOfWork, account_id: str, key: bytes, others: Reply[int]) -> None:
    if await others >= rules.MAX_STEPS:
        await store.keep_newest(uow.tx, account_id, key, rules.MAX_STEPS - 1)


async def is_completed(uow: UnitOfWork, token: str, purpose: Purpose) -> bool:
    """Return whether the step of this token was completed."""
    return await store.find(uow.tx, token_hash(token), purpose.value, uow.now) is not None


async def find_repeatable(uow: UnitOfWork, token: str, purpose: Purpose, code: str | None) -> Step | None:
    """Return the completed step of this token, or None if there is none.

    Raise SignInCompleted unless it was completed by this recovery code.
    """
    return _checked(uow, await store.find(uow.tx, token_hash(token), purpose.value, uow.now), code)


async def repeat(uow: UnitOfWork, token: str, purpose: Purpose, code: str) -> Repeated | None:
    """Repeat a completed step: replace the session and recovery code of the earlier answer with new ones.

    Return None if there is no such step. Raise SignInCompleted if it cannot be repeated.
    """
    key = token_hash(token)
    step = _checked(uow, await store.find_for_update(uow.tx, key, purpose.value, uow.now), code)
    if step is None:
        return None
    since, latest = uow.now - rules.REPEATABLE_FOR, uow.now + MAX_CLOCK_SKEW
    if not await store.consume_repeat(uow.tx, key, most=rules.MAX_REPEATS, since=since, latest=latest):
        raise SignInCompleted
    renewed = await sessions.replace_unseen(uow, step.account_id, step.session_hash)
    recovery = kinds(uow).recovery
    new_code = await recovery.reissue(uow, step.account_id, replacing=step.new_code or "")
    if renewed is None or new_code is None:
        raise SignInCompleted
    session, unlocked_until = renewed
    new_hash = recovery.hash_of(step.account_id, new_code)
    await store.set_answer(uow.tx, key, session_hash=token_hash(session.token), new_code=new_hash)
    await audit.record(uow, Event.RECOVERY_CODE_REPEATED, step.account_id)
    return Repeated(step.account_id, session, unlocked_until, new_code)


def _checked(uow: UnitOfWork, step: Step | None, code: str | None) -> Step | None:
    if step is None:
        return None
    recovery = kinds(uow).recovery
    if code is None or not step.used_code or not recovery.matches(step.account_id, code, step.used_code):
        raise SignInCompleted
    return step
