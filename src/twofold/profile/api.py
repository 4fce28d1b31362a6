"""Changing the name of the account, as JSON."""

import msgspec
from msgspec.structs import replace

from twofold.base.problems import InvalidRequest
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import call
from twofold.profile import actions
from twofold.sessions.api import Account, describe_account


class NewName(msgspec.Struct, forbid_unknown_fields=True):
    """The name of the person; null or empty to show the username instead."""

    name: str | None


@call("PATCH", "/account", Access.UNLOCKED, problems=(InvalidRequest,))
async def rename(ctx: Context, body: NewName) -> Account:
    """Change your name."""
    return describe_account(replace(ctx.known_visitor, name=await ctx.write(actions.rename, body.name)))


ROUTES = (rename,)
