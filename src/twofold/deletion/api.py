"""Deleting one's own account, as JSON."""

from twofold.base.problems import Conflict
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import call
from twofold.deletion import actions
from twofold.sessions.cookies import delete_session_cookie


@call("DELETE", "/account", Access.UNLOCKED, problems=(Conflict,))
async def delete(ctx: Context) -> None:
    """Delete your account permanently."""
    await ctx.write(actions.delete)
    delete_session_cookie(ctx)


ROUTES = (delete,)
