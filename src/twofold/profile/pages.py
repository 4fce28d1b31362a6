"""The card with which users change their name."""

from typing import Any

from starlette.responses import Response

from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_
from twofold.base.unit_of_work import UnitOfWork
from twofold.base.visitor import ROLE_LABELS, Access, Visitor
from twofold.base.web.context import Context
from twofold.base.web.routes import Page
from twofold.profile import actions


async def profile_card(uow: UnitOfWork, visitor: Visitor, _ctx: Context) -> dict[str, Any]:
    """Show how others see the visitor, and the form to change the name."""
    return {
        "template": "profile/card_profile.html",
        "username": visitor.username,
        "name": await actions.own_name(uow, visitor),
        "role": ROLE_LABELS[visitor.role],
        "groups": visitor.groups,
    }


async def rename(ctx: Context) -> Response:
    """Change the visitor's name."""
    name = ctx.form.get("name")
    if name is None:  # an empty one removes the name
        raise InvalidRequest(FieldError("name", N_("Enter a name, or leave it empty to be shown by your username.")))
    await ctx.write(actions.rename, name)
    return ctx.redirect("/settings?done=profile_saved#profile")


ROUTES = (Page("POST", "/settings/profile", rename, Access.UNLOCKED, again="/settings"),)
