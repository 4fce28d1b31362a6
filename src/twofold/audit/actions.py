"""Recording and reading events. Nothing here changes or removes one.

Whoever listens to events is told of each in its own transaction: nobody who records one can forget to tell.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from twofold.audit import store
from twofold.audit.events import Event
from twofold.audit.store import Entry
from twofold.base import throttle
from twofold.base.acts import Act
from twofold.base.ids import sortable_id
from twofold.config import Rate

_AFTER_ALL = "v" * 26  # the last id there can be, in every collation: most put signs such as "~" before digits
_CHEAP_RATE = (Rate(20, 3600),)

Listener = Callable[[Act, Entry], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told of every event; the composition root takes them from the list of rooms."""

    listeners: tuple[Listener, ...]


async def record(act: Act, event: Event, account_id: str | None, **data: str | int) -> None:
    """Note a deed in the transaction that does it. Never pass a secret."""
    await _write(act, event, account_id, "done", data)


async def record_refusal(act: Act, event: Event, account_id: str | None, **data: str | int) -> None:
    """Note a refused try; `reason` is a problem's code, or a word for what only the log is told."""
    await _write(act, event, account_id, "refused", data)


async def record_cheap_refusal(act: Act, event: Event, account_id: str | None, **data: str | int) -> None:
    """Note a refusal that no other limit bounds, at most 20 an hour of one kind: nobody may fill the table with it.

    They are counted by account, or by client address where there is none.
    """
    key = f"refusals:{account_id or act.origin.source_network}:{event.value}"
    tally = await throttle.hold(act.tx, key)
    if throttle.blocked_until(tally, _CHEAP_RATE, act.now) is None:
        await throttle.save(act.tx, key, throttle.with_attempt(tally, _CHEAP_RATE, act.now))
        await record_refusal(act, event, account_id, **data)


async def history(act: Act, account_id: str, *, before: str | None, limit: int) -> tuple[list[Entry], str | None]:
    """List an account's events, newest first, and the cursor of the next page."""
    found = await store.of_account(act.tx, account_id, before=before or _AFTER_ALL, limit=limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def _write(act: Act, event: Event, account_id: str | None, outcome: str, data: dict[str, str | int]) -> None:
    text = msgspec.json.encode(data).decode()
    entry = Entry(sortable_id(act.now), account_id, act.now, event, outcome, act.origin.source, act.origin.agent, text)
    await store.insert(act.tx, entry)
    for listener in act.site.part(Listeners).listeners:
        await listener(act, entry)
