"""A person's security history as JSON."""

from typing import Any

import msgspec

from twofold.audit import actions
from twofold.base.clock import rfc3339
from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Call

_MOST = 100
_USUAL = 50


class ListedEvent(msgspec.Struct):
    """One thing that happened to the account."""

    id: str
    at: str
    name: str
    outcome: str
    address: str
    agent: str
    data: dict[str, Any]


class Events(msgspec.Struct):
    """A page of events, newest first."""

    items: list[ListedEvent]
    next: str | None


async def listed(ask: Ask) -> Events:
    """List events, newest first."""
    limit = _limit(ask.query.get("limit"))
    entries, following = await ask.acts.read_long(
        actions.history, ask.known_visitor.account_id, before=ask.cursor, limit=limit
    )
    items = [
        ListedEvent(
            id=entry.id,
            at=rfc3339(entry.at),
            name=entry.name,
            outcome=entry.outcome,
            address=entry.source,
            agent=entry.agent,
            data=msgspec.json.decode(entry.data),
        )
        for entry in entries
    ]
    return Events(items, following)


def _limit(text: str | None) -> int:
    if text is None:
        return _USUAL
    if not (len(text) <= len(str(_MOST)) and text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST):
        raise InvalidRequest(FieldError("limit", N_("Give a whole number from 1 to 100.")))
    return int(text)


ROUTES = (
    Call(
        method="GET",
        path="/api/v1/events",
        handler=listed,
        need=Need.SIGNED_IN,
        answer_type=Events,
        query=("before", "limit"),
        problems=(InvalidRequest,),
        summary="Your security history",
    ),
)
