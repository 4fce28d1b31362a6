"""The checks before the handler of a route runs: the session, and the origin of forms."""

from contextlib import suppress
from typing import Protocol

from twofold.base.problems import ChangedOrigin, HiddenOrigin, NumericOrigin, Problem, WrongOrigin
from twofold.base.sightings import CHANGED_ORIGIN, HIDDEN_ORIGIN
from twofold.base.visitor import Access
from twofold.base.web.context import AccessControl, Context

SAFE = ("GET", "HEAD")
_RECORDED = ("locked_settings", "conflict")


class CheckedRoute(Protocol):
    """What the checks need to know about a route."""

    @property
    def method(self) -> str:
        """The method of the request."""

    @property
    def path(self) -> str:
        """The path, as declared."""

    @property
    def need(self) -> Access:
        """What the visitor must have proved."""

    @property
    def acts(self) -> bool:
        """Whether it has an effect, whatever the method."""

    @property
    def repeat(self) -> object | None:
        """A handler for visitors whose session was replaced by the previous step."""


async def admit(ctx: Context, route: CheckedRoute, *, cookies_are_set: bool) -> Problem | None:
    """Admit the visitor. Without a session, return the refusal if the route has a `repeat` handler, or raise it."""
    if route.acts and (cookies_are_set or ctx.cookies):
        _check_origin(ctx)
    if ctx.need is Access.PUBLIC:
        return None
    try:
        ctx.visitor = await ctx.site.part(AccessControl).require(ctx.system, ctx.session_token, ctx.need)
    except Problem as problem:
        if route.repeat is None or not ctx.session_token or problem.code != "not_signed_in":
            raise
        return problem
    if ctx.bearer is None:
        ctx.cookies.move_session(ctx.visitor.expires_at - ctx.now)
    return None


def _check_origin(ctx: Context) -> None:
    """Raise WrongOrigin unless a form comes from our own pages. Only browsers can set Sec-Fetch-Site, pages cannot."""
    headers = ctx.request.headers
    origins, site = set(headers.getlist("origin")), set(headers.getlist("sec-fetch-site"))
    same = site == {"same-origin"}
    if origins == {ctx.site.config.origin}:
        return
    if origins and origins <= ctx.site.config.numeric_origins:
        raise NumericOrigin(address=ctx.site.config.base_url)
    hidden = origins <= {"null"}
    if hidden and (same or (origins and not site)):
        ctx.record_sighting(HIDDEN_ORIGIN)
    elif not hidden and same:
        ctx.record_sighting(CHANGED_ORIGIN)
    if hidden and same:
        return
    raise HiddenOrigin if hidden and not site else ChangedOrigin if same else WrongOrigin


async def record_refused_change(ctx: Context, route: CheckedRoute, problem: Problem) -> None:
    """Record that a signed-in visitor was refused a change, unless the action has recorded it itself."""
    if route.method in SAFE or route.need is Access.PUBLIC or problem.code not in _RECORDED:
        return
    with suppress(Problem):  # the refusal stands, whether or not it can be recorded
        record = ctx.site.part(AccessControl).record_refused_change
        await ctx.system.write(record, ctx.session_token, f"{route.method} {route.path}", problem.code)
