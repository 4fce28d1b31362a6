"""Record and read events. They are never changed or removed here, except for personal data of deleted accounts.

Listeners run in the transaction of each event, so that no caller can forget them. The history of an account is bounded,
but listeners get every event.
"""

import msgspec

from twofold.audit import store
from twofold.audit.events import Event
from twofold.audit.store import Entry
from twofold.base import throttle
from twofold.base.actors import ActorKind
from twofold.base.feature import Features
from twofold.base.ids import first_id, sortable_id
from twofold.base.lists import LAST_ID, page_of
from twofold.base.unit_of_work import UnitOfWork
from twofold.config import Rate

_CHEAP_RATE = (Rate(20, 3600),)
_AN_HOUR = 3600
REFUSALS = "refusals:"  # prefix of their throttle keys
# Events of one kind and outcome in an account's history per hour, in all and per network: a flood hides no others.
_MAX_EVENTS = 600
_MAX_FROM_SOURCE = 60


async def record(uow: UnitOfWork, event: Event, account_id: str | None, **data: str | int) -> None:
    """Record a change in the transaction that makes it. Never pass a secret."""
    await _write(uow, event, account_id, "done", data)


async def record_refusal(uow: UnitOfWork, event: Event, account_id: str | None, **data: str | int) -> None:
    """Record a refused attempt; `reason` is a problem's code, or a word used only in the log."""
    await _write(uow, event, account_id, "refused", data)


async def record_cheap_refusal(uow: UnitOfWork, event: Event, account_id: str | None, **data: str | int) -> None:
    """Record a refusal that no other limit bounds: at most 20 of a kind per hour, so that they cannot fill the table.

    They are counted per account, or per client network if there is no account.
    """
    key = f"{REFUSALS}{account_id or uow.caller.source_network}:{event.value}"
    if throttle.blocked_until(await throttle.peek(uow.tx, key), _CHEAP_RATE, uow.now) is not None:
        return
    tally = await throttle.lock(uow.tx, key)
    if throttle.blocked_until(tally, _CHEAP_RATE, uow.now) is None:
        await throttle.save(uow.tx, key, throttle.with_attempt(tally, _CHEAP_RATE, uow.now))
        await record_refusal(uow, event, account_id, **data)


async def was_recorded(uow: UnitOfWork, event: Event, account_id: str, *, since: int) -> bool:
    """Return whether an account has a completed event of a kind since then (epoch seconds)."""
    return await store.has_alike(uow.tx, account_id, event, "done", since_id=first_id(since))


async def remove_personal_data(uow: UnitOfWork, account_id: str) -> None:
    """Remove addresses, browsers and names from the events of an account that is being deleted."""
    await store.remove_personal_data(uow.tx, account_id)


async def history(
    uow: UnitOfWork, account_id: str, *, before: str | None, limit: int
) -> tuple[list[Entry], str | None]:
    """Return an account's events, newest first, and the cursor of the next page."""
    return page_of(await store.of_account(uow.tx, account_id, before=before or LAST_ID, limit=limit + 1), limit)


async def _write(
    uow: UnitOfWork, event: Event, account_id: str | None, outcome: str, data: dict[str, str | int]
) -> None:
    caller, actor = uow.caller, uow.caller.actor
    entry = Entry(
        id=sortable_id(uow.now),
        account_id=account_id,
        at=uow.now,
        name=event,
        outcome=outcome,
        source=caller.source,
        agent=caller.agent,
        data=msgspec.json.encode(data).decode(),
        actor=actor.kind,
        actor_id=actor.account_id or account_id if actor.kind is ActorKind.ACCOUNT else None,
    )
    if account_id is None:
        await store.insert(uow.tx, entry)
    else:
        since = first_id(uow.now - _AN_HOUR)
        await store.insert_bounded(uow.tx, entry, since_id=since, most=_MAX_EVENTS, max_from_source=_MAX_FROM_SOURCE)
    for listener in uow.site.part(Features).listeners:
        await listener(uow, entry)
