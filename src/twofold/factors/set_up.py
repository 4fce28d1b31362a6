"""The set-up of a factor for a user without one: the page that it begins with, and what each step passes on."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from twofold.base.proofs import Level
from twofold.base.texts import _
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import Page
from twofold.factors.contract import kinds

_AT = "/settings/set-up"
_SETTINGS = "/settings"


def set_up_page(level: Level, return_to: str) -> str:
    """Return the address of the page that offers the methods that reach a level, and then leads back."""
    return f"{_AT}?{urlencode({'level': level.value, 'return_to': return_to})}"


def set_up_at(factor_id: str, passed_on: Mapping[str, str], **state: str) -> str:
    """Return the address of an unfinished set-up."""
    query = urlencode({**passed_on, **state})
    return f"/settings/factors/{factor_id}{'?' if query else ''}{query}"


def passed_on(ctx: Context) -> dict[str, str]:
    """Return what the pages of a set-up pass on: whether the factor becomes the default, and where to continue."""
    default = {"default": "yes"} if as_default(ctx) else {}
    onwards = continue_at(ctx)
    return {**default, **({"return_to": onwards} if onwards else {})}


def as_default(ctx: Context) -> bool:
    """Return whether the new factor should become the default."""
    return (ctx.form or ctx.query).get("default") == "yes"


def continue_at(ctx: Context) -> str | None:
    """Return the page to continue at after the set-up, unless it was opened from the settings."""
    return ctx.return_to if ctx.return_to.partition("?")[0] != _SETTINGS else None


async def show(ctx: Context) -> Response:
    """Offer the methods that reach the level which the previous page requires."""
    asked = ctx.query.get("level", "")
    level = Level(asked) if asked in set(Level) else Level.ONE_FACTOR
    methods = [
        {"kind": kind.kind, "about": _(kind.texts.about), "add": _(kind.texts.add)}
        for kind in kinds(ctx).offered
        if kind.strength.level >= level
    ]
    if not methods:  # the page that demands a level says when no method reaches it
        return ctx.redirect(f"/authenticate?{urlencode({'level': level.value, 'return_to': ctx.return_to})}")
    return ctx.render("factors/set_up.html", methods=methods, passed_on=passed_on(ctx))


ROUTES = (Page("GET", _AT, show, Access.UNLOCKED),)
