"""A user's trusted computers, for the file with which users download their data."""

from typing import Any

from twofold.base.clock import rfc3339
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.computers import actions


async def trusted_computers(
    uow: UnitOfWork, visitor: Visitor, before: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of trusted computers."""
    page, following = await actions.listed(uow, visitor, before=before)
    items = [
        {
            "id": each.id,
            "name": each.name,
            "address": each.source,
            "created_at": rfc3339(each.created_at),
            "last_used_at": rfc3339(each.last_used_at),
            "expires_at": rfc3339(each.expires_at),
        }
        for each in page
    ]
    return items, following
