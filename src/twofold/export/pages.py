"""The card with which users download their data."""

from typing import Any

from starlette.responses import Response

from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import Page
from twofold.export.download import download


async def card(_uow: UnitOfWork, _visitor: Visitor, _ctx: Context) -> dict[str, Any]:
    """Show the button."""
    return {"template": "export/card.html"}


async def export(ctx: Context) -> Response:
    """Answer with the file."""
    return await download(ctx)


ROUTES = (Page("POST", "/settings/export", export, Access.UNLOCKED, again="/settings"),)
