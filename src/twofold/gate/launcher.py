"""The start page with the applications behind the gate: those for one of the visitor's groups, or for everyone."""

from starlette.responses import Response

from twofold.base.texts import N_
from twofold.base.web.context import Context
from twofold.gate.reading import Application

LINK = N_("Applications")  # in the header of every page


class Applications(tuple[Application, ...]):
    """All applications, in the order of the configuration."""

    __slots__ = ()


async def show(ctx: Context) -> Response:
    """Show the visitor's applications."""
    groups = set(ctx.known_visitor.groups)
    shown = [each for each in ctx.site.part(Applications) if not each.groups or each.groups & groups]
    return ctx.render("gate/launcher.html", apps=[(each, initials(each.name)) for each in shown])


def initials(name: str) -> str:
    """Return the first letters of the first two words of a name."""
    return "".join(word[0] for word in name.split()[:2]).upper()
