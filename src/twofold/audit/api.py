"""The security history of an account, as JSON."""

from typing import Any

import msgspec

from twofold.audit import actions
from twofold.audit.store import Entry
from twofold.base.actors import ActorKind
from twofold.base.clock import rfc3339
from twofold.base.problems import InvalidRequest
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import call


class ListedActor(msgspec.Struct):
    """Who caused an event: `account`, `command_line` or `system`; `is_you` for your own account."""

    kind: ActorKind
    is_you: bool


class ListedEvent(msgspec.Struct):
    """An event of your account; `address` and `agent` are empty if another person caused it."""

    id: str
    at: str
    name: str
    outcome: str
    actor: ListedActor
    address: str
    agent: str
    data: dict[str, Any]


class Events(msgspec.Struct):
    """A page of events, newest first."""

    items: list[ListedEvent]
    next: str | None


@call("GET", "/events", Access.SIGNED_IN, query=("before", "limit"), problems=(InvalidRequest,))
async def listed(ctx: Context) -> Events:
    """List your security history, newest first."""
    entries, following = await ctx.system.read_long(
        actions.history, ctx.known_visitor.account_id, before=ctx.cursor, limit=ctx.limit
    )
    return Events([describe(entry) for entry in entries], following)


def describe(entry: Entry) -> ListedEvent:
    """Return an event as the account concerned may see it."""
    address, agent = entry.client
    return ListedEvent(
        id=entry.id,
        at=rfc3339(entry.at),
        name=entry.name,
        outcome=entry.outcome,
        actor=ListedActor(entry.actor, entry.is_own),
        address=address,
        agent=agent,
        data=msgspec.json.decode(entry.data),
    )


ROUTES = (listed,)
