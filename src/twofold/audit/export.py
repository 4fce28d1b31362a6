"""A user's security history, for the file with which users download their data."""

from twofold.audit import actions
from twofold.audit.api import ListedEvent, describe
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor

_PAGE = 200  # events that are read and encoded in one go


async def events(uow: UnitOfWork, visitor: Visitor, before: str | None) -> tuple[list[ListedEvent], str | None]:
    """Return a page of events, newest first."""
    entries, following = await actions.history(uow, visitor.account_id, before=before, limit=_PAGE)
    return [describe(entry) for entry in entries], following
