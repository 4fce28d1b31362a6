"""The answer with a user's data, the same from the page and from the API."""

from typing import Any

import msgspec

from twofold.base.web.context import Context
from twofold.base.web.routes import Streamed
from twofold.export import actions


class OwnData(msgspec.Struct):
    """A copy of what is stored about you, without secrets; `data` has one member for each section."""

    exported_at: str
    service: str
    data: dict[str, Any]


async def download(ctx: Context) -> Streamed[OwnData]:
    """Record the export, and answer with the file."""
    await ctx.write(actions.begin)
    headers = {"Content-Disposition": 'attachment; filename="twofold-data.json"'}
    return Streamed(actions.document(ctx.system, ctx.known_visitor), headers=headers, media_type="application/json")
