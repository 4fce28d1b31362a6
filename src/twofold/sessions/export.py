"""A user's sessions, for the file with which users download their data."""

from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Visitor
from twofold.sessions import actions
from twofold.sessions.api import ListedSession, describe_listed


async def sessions(uow: UnitOfWork, visitor: Visitor, before: str | None) -> tuple[list[ListedSession], str | None]:
    """Return a page of active sessions."""
    page, following = await actions.listed(uow, visitor, before=before)
    return [describe_listed(each, visitor) for each in page], following
