"""Downloading one's own data, as JSON."""

from twofold.base.problems import TooManyAttempts
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import Streamed, call
from twofold.export.download import OwnData, download


@call("GET", "/account/export", Access.UNLOCKED, problems=(TooManyAttempts,), recorded=True)
async def export(ctx: Context) -> Streamed[OwnData]:
    """Download a copy of your data."""
    return await download(ctx)


ROUTES = (export,)
