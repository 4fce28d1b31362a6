"""What a feature offers: pages, calls and endpoints, declared with their access and run by one adapter.

The access of a page or a call is a row of the table in `base.visitor`, checked before its handler runs; a test walks
the list. An endpoint does its own authentication and reads its own body.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_type_hints
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from twofold.base.languages import Languages
from twofold.base.problems import Busy, OtherAccount, Problem, Unavailable, WrongOrigin
from twofold.base.site import Site
from twofold.base.visitor import Access
from twofold.base.web.admission import SAFE, admit, record_refused_change
from twofold.base.web.bodies import USUAL, BodyLimits, read_form, read_json, read_optional_json
from twofold.base.web.context import Banners, Context
from twofold.base.web.cookie_check import marked
from twofold.base.web.localhost import redirect_to_localhost
from twofold.base.web.paths import path_of
from twofold.base.web.refusals import problem_json, problem_page, refusal, unexpected_error, with_retry_after
from twofold.base.web.returns import MAX_RETURN, own_address, safe_return

API_PATH = "/api/v1"
ANY_METHOD = "*"
_REDIRECTED = (401, 403)  # not signed in, or locked: redirect to the page that helps, and back
_NOT_FOUND = 404
_PAGE_LIMITS = BodyLimits(long={"return_to": MAX_RETURN})

Handler = Callable[[Context], Awaitable[Response]]
T = TypeVar("T")


class Streamed(StreamingResponse, Generic[T]):
    """The answer to a call that is sent while it is read; `T` is its shape."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page or the target of a form. If a form is refused, `again` shows it with the problem."""

    for_programs: ClassVar = False
    method: str
    path: str
    handler: Handler
    need: Access
    again: Handler | str | None = None  # a handler, or the path of the page that has the form
    repeat: Handler | None = None  # answers without a session that the previous step may have replaced
    limits: BodyLimits = _PAGE_LIMITS
    headers: Mapping[str, str] = field(default_factory=dict)  # of every answer, replacing the defaults
    gone: str | None = None  # template of the 404 page, for paths that contain a link
    leaves: bool = False  # it leads to another origin, so forms reach it by a page in between
    redirects: bool = True  # to the page where the visitor gets access, and back; otherwise the problem is shown

    @property
    def acts(self) -> bool:
        """Whether it has an effect."""
        return self.method not in SAFE

    async def answer(self, ctx: Context) -> Response:
        """Answer a browser."""
        if self.method in SAFE and (moved := redirect_to_localhost(ctx)):
            return moved
        try:
            refused = await admit(ctx, self, cookies_are_set=True)
            if ctx.visitor is not None:
                ctx.banners = await ctx.read(ctx.site.part(Banners).templates)
            if self.method not in SAFE:
                ctx.form = await read_form(ctx.request, self.limits)
                _require_own(ctx)
            return await (self.repeat(ctx) if refused and self.repeat else self.handler(ctx))
        except Problem as problem:
            await record_refused_change(ctx, self, problem)
            return await self._refused(ctx, problem)

    async def _refused(self, ctx: Context, problem: Problem) -> Response:
        if self.redirects and problem.resolve_at is not None and problem.status in _REDIRECTED:
            joint = "&" if "?" in problem.resolve_at else "?"
            return ctx.redirect(f"{problem.resolve_at}{joint}return_to={quote(_return_address(ctx, self), safe='')}")
        again = ctx.site.part(Pages).get(self.again) if isinstance(self.again, str) else self.again
        unavailable = isinstance(problem, Unavailable) and not isinstance(problem, Busy)  # the form may need it
        unauthenticated = ctx.visitor is None and self.need is not Access.PUBLIC
        foreign = isinstance(problem, WrongOrigin | OtherAccount)
        if again is None or unavailable or unauthenticated or foreign or self._is_gone(problem):
            return self._problem_page(ctx, problem)
        ctx.problem, ctx.form_at = problem, path_of(ctx.request.scope)
        try:
            response = await again(ctx)
        except Problem as other:
            return self._problem_page(ctx, other)
        response.status_code = problem.status
        return with_retry_after(response, problem)

    def _is_gone(self, problem: Problem) -> bool:
        return self.gone is not None and problem.status == _NOT_FOUND

    def _problem_page(self, ctx: Context, problem: Problem) -> Response:
        if self.gone is None or not self._is_gone(problem):
            return problem_page(ctx, problem)
        ctx.problem = None
        return ctx.render(self.gone, status_code=problem.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the JSON API. `body` and `answer_type` are its shapes, `problems` its possible refusals."""

    for_programs: ClassVar = True
    headers: ClassVar[Mapping[str, str]] = {}
    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    need: Access
    summary: str
    status: int = 200
    accepts: bool = False  # a handler that may return None answers 202 without a body: the rest comes by mail
    body: type[msgspec.Struct] | None = None
    body_required: bool = True
    answer_type: Any = None
    query: tuple[str, ...] = ()
    repeat: Callable[..., Awaitable[Any]] | None = None  # as for a page
    problems: tuple[type[Problem], ...] = ()
    limits: BodyLimits = USUAL
    recorded: bool = False  # a GET with an effect, which no HEAD and no link on another site may cause

    @property
    def acts(self) -> bool:
        """Whether it has an effect."""
        return self.recorded or self.method not in SAFE

    async def answer(self, ctx: Context) -> Response:
        """Answer a program."""
        try:
            refused = await admit(ctx, self, cookies_are_set=False)
            body_args = await self._read_body(ctx, refused)
            value = await (self.repeat(ctx, *body_args) if refused and self.repeat else self.handler(ctx, *body_args))
        except Problem as problem:
            await record_refused_change(ctx, self, problem)
            return problem_json(ctx.site, problem)
        if isinstance(value, Response):
            return value
        if value is None:
            return Response(b"", 202 if self.accepts else self.status)
        return Response(msgspec.json.encode(value), self.status, media_type="application/json")

    async def _read_body(self, ctx: Context, refused: Problem | None) -> list[msgspec.Struct | None]:
        if self.body is None:
            return []
        try:
            read = read_json if self.body_required else read_optional_json
            return [await read(ctx.request, self.body, self.limits)]
        except Problem as problem:
            raise refused or problem from problem  # without a session, faults in the body are not reported


def call(  # noqa: PLR0913 - one for each property of a route
    method: str,
    path: str,
    need: Access,
    *,
    status: int | None = None,
    query: tuple[str, ...] = (),
    repeat: Callable[..., Awaitable[Any]] | None = None,
    problems: tuple[type[Problem], ...] = (),
    limits: BodyLimits = USUAL,
    recorded: bool = False,
) -> Callable[[Callable[..., Awaitable[Any]]], Call]:
    """Declare a handler as a call of the API: its annotations are the shapes, its docstring's first line the summary.

    The decorated object is the route. A handler that returns nothing answers 204 unless it says otherwise. A body that
    may be None may be left out or empty.
    """

    def declare(handler: Callable[..., Awaitable[Any]]) -> Call:
        hints = get_type_hints(handler)
        answers = [shape for shape in get_args(hints["return"]) or (hints["return"],) if shape is not NoneType]
        accepted = [shape for name, shape in hints.items() if name != "return"][1:]
        bodies = [shape for hint in accepted for shape in get_args(hint) or (hint,) if shape is not NoneType]
        return Call(
            method=method,
            path=f"{API_PATH}{path}",
            handler=handler,
            need=need,
            summary=(handler.__doc__ or "").partition("\n")[0].removesuffix("."),
            status=status or (200 if answers else 204),
            accepts=bool(answers) and NoneType in get_args(hints["return"]),
            body=bodies[0] if bodies else None,
            body_required=accepted == bodies,
            answer_type=answers[0] if answers else None,
            query=query,
            repeat=repeat,
            problems=problems,
            limits=limits,
            recorded=recorded,
        )

    return declare


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A route with its own authentication and body format, such as a webhook, a document or a standard protocol.

    `make` returns the handler once for each open site. `raw` returns a plain ASGI function instead, which runs in
    front of the router and sends all its headers itself; its method may be `*`, for all.
    """

    need: ClassVar = Access.PUBLIC
    method: str
    path: str
    make: Callable[[Site], Handler] | None = None
    raw: Callable[[Site], ASGIApp] | None = None
    below: bool = False  # a raw endpoint also answers all paths that begin with its own
    for_programs: bool = True  # a problem is answered as JSON, else as a page
    headers: Mapping[str, str] = field(default_factory=dict)  # as for a page


Route = Page | Call
AnyRoute = Route | Endpoint


class Pages(dict[str, Handler]):
    """The pages that answer GET, by path."""

    @classmethod
    def of(cls, routes: Iterable[Route]) -> "Pages":
        """Return the pages among all routes."""
        return cls({route.path: route.handler for route in routes if isinstance(route, Page) and route.method == "GET"})


def responder(route: AnyRoute, site: Site) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a route: it sends cookies with every answer, and 500 after an unexpected error."""
    handler = _handler(route, site)

    async def respond(request: Request) -> Response:
        ctx = Context(request, site, route.need)
        try:
            with site.part(Languages).speaking(ctx.caller.locale):
                response = await handler(ctx)
        except Exception:  # noqa: BLE001 - the client gets a sentence, the log the cause
            response = refusal(ctx, unexpected_error(route.path), for_programs=route.for_programs)
        for name, value in route.headers.items():
            response.headers.setdefault(name, value)
        ctx.cookies.write(response)
        return response

    return respond


def _handler(route: AnyRoute, site: Site) -> Handler:
    if not isinstance(route, Endpoint):
        return route.answer
    assert route.make is not None  # noqa: S101 - a raw endpoint never comes to the router
    make = route.make(site)

    async def answer(ctx: Context) -> Response:
        try:
            return await make(ctx)
        except Problem as problem:
            return refusal(ctx, problem, for_programs=route.for_programs)

    return answer


def _require_own(ctx: Context) -> None:
    """Raise OtherAccount for a form that was shown to another account."""
    if ctx.visitor is not None and ctx.form.get("account", ctx.visitor.account_id) != ctx.visitor.account_id:
        raise OtherAccount


def _return_address(ctx: Context, page: Page) -> str:
    """Return the address to come back to: the requested page. A form is not sent again; the settings page says so."""
    if page.method not in SAFE:
        address = "/settings?done=not_changed"
        return address if ctx.cookies.are_kept else marked(address)  # the session that saw the form has lost its cookie
    path, query = path_of(ctx.request.scope), ctx.request.scope["query_string"].decode("latin-1")
    address = own_address(path, query)
    if safe_return(address) == address:
        return address
    return ctx.return_to if "return_to" in ctx.query else path  # an address inside an address may be too long
