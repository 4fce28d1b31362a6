"""What is stored about an account itself, for the file with which users download their data."""

from typing import Any

from twofold.accounts import store
from twofold.accounts.browsers import store as browsers
from twofold.base.clock import rfc3339, rfc3339_or_none
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor

Page = tuple[list[dict[str, Any]], None]


async def account(uow: UnitOfWork, visitor: Visitor, _before: str | None) -> Page:
    """Return the account."""
    found = await store.find(uow.tx, visitor.account_id)
    if found is None:
        return [{}], None  # deleted a moment ago
    section = {
        "id": found.id,
        "email": found.email,
        "email_verified_at": rfc3339_or_none(found.email_proven_at),
        "username": found.username,
        "name": found.name,
        "groups": list(found.groups),
        "role": found.role,
        "language": found.locale,
        "created_at": rfc3339(found.created_at),
    }
    return [section], None


async def former_addresses(uow: UnitOfWork, visitor: Visitor, _before: str | None) -> Page:
    """Return the addresses that the account had until recently."""
    rows = await store.former_addresses(uow.tx, visitor.account_id)
    return [{"email": email, "notified_until": rfc3339(until)} for email, until in rows], None


async def known_browsers(uow: UnitOfWork, visitor: Visitor, _before: str | None) -> Page:
    """Return the browsers and programs that the account knows, of which little is stored."""
    used_at = await browsers.times_of_use(uow.tx, visitor.account_id)
    return [{"last_used_at": rfc3339(at)} for at in used_at], None
