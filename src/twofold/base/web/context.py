"""The context of a request: who sent it, what it contains, and how to act on it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

from msgspec.structs import replace
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from twofold.base.actors import Actor
from twofold.base.ids import is_id
from twofold.base.languages import Languages
from twofold.base.problems import FieldError, InvalidRequest, NotFound, Problem
from twofold.base.sightings import Sightings
from twofold.base.site import Site
from twofold.base.texts import N_, _, locale
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.base.visitor import Access, Visitor
from twofold.base.web.cookies import BROWSER, SESSION, CookieNames, Cookies
from twofold.base.web.peers import caller_of, forwarding_fault, peer_of
from twofold.base.web.returns import safe_return
from twofold.base.web.templates import Templates

P = ParamSpec("P")
T = TypeVar("T")
Banner = Callable[[UnitOfWork, Visitor], Awaitable[str | None]]

_USUAL_LIMIT, _MAX_LIMIT = 50, 100  # items of a list in one answer


@dataclass(frozen=True, slots=True)
class AccessControl:
    """How routes find the visitor with a session token; the sessions package provides these functions."""

    require: Callable[[Runner, str | None, Access], Awaitable[Visitor]]
    admit: Callable[[UnitOfWork, str | None, Access], Awaitable[Visitor]]  # locks the account for the transaction
    record_refused_change: Callable[[UnitOfWork, str | None, str, str], Awaitable[None]]  # with route and reason


@dataclass(frozen=True, slots=True)
class StartPage:
    """What `/` shows to visitors who are signed in, in place of the settings; the link to it is in the header."""

    show: Callable[["Context"], Awaitable[Response]]
    link: str


class Leaving(frozenset[str]):
    """The paths of the pages that lead to another origin."""


@dataclass(frozen=True, slots=True)
class Banners:
    """The banners above every page: each returns the name of its template if the visitor should see it."""

    banners: tuple[Banner, ...]

    async def templates(self, uow: UnitOfWork, visitor: Visitor) -> list[str]:
        """Return the templates of the banners that the visitor should see."""
        return [template for banner in self.banners if (template := await banner(uow, visitor))]


class Context:
    """The context of a request."""

    def __init__(self, request: Request, site: Site, need: Access) -> None:
        self.request = request
        self.site = site
        self.need = need
        self.cookies = Cookies(site.part(CookieNames), request.scope["headers"])
        seen = caller_of(request.scope, site.config.trusted_proxies, site.part(Languages))
        self.caller = replace(seen, browser=self.cookies.get(BROWSER))
        if fault := forwarding_fault(request.scope, site.config.trusted_proxies):
            self.record_sighting(fault)
        self.system = Runner(site, self.caller, self.client_gone)
        self.now = site.clock()
        self.visitor: Visitor | None = None
        self.problem: Problem | None = None  # set when a form is shown again
        self.form: dict[str, str] = {}
        self.form_at = ""  # the address of the form that is shown again
        self.status: str | None = None  # the text of a success banner
        self.banners: list[str] = []  # templates
        self._shared: dict[object, Any] = {}  # answers that cards share

    async def client_gone(self) -> None:
        """Return when the client has disconnected; the body must have been read."""
        while (await self.request.receive())["type"] != "http.disconnect":
            pass

    def record_sighting(self, name: str) -> None:
        """Record a sighting of the peer for the operator."""
        self.site.part(Sightings).record(name, peer_of(self.request.scope), self.site.clock())

    @cached_property
    def bearer(self) -> str | None:
        """The session token of a client without cookies."""
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @property
    def session_token(self) -> str | None:
        """The session token, from the header or the cookie."""
        return self.bearer if self.bearer is not None else self.cookies.get(SESSION)

    @property
    def query(self) -> QueryParams:
        """The query parameters."""
        return self.request.query_params

    @property
    def return_to(self) -> str:
        """The address to return to, always one of our pages."""
        return safe_return(self.form.get("return_to") or self.query.get("return_to") or "")

    @property
    def known_visitor(self) -> Visitor:
        """The visitor of a route that requires one."""
        assert self.visitor is not None  # noqa: S101 - the route's need was checked before the handler ran
        return self.visitor

    def id(self, name: str) -> str:
        """Return an id from the path. Raise NotFound if it is not an id."""
        value = str(self.request.path_params[name])
        if not is_id(value):
            raise NotFound
        return value

    @property
    def cursor(self) -> str | None:
        """Return the cursor of a list, or None. Raise InvalidRequest if it is not a cursor."""
        before = self._parameter("before")
        if before is not None and not is_id(before):
            raise InvalidRequest(FieldError("before", N_("Use the cursor from the previous page.")))
        return before

    @property
    def limit(self) -> int:
        """Return the requested number of items. Raise InvalidRequest if it is out of range."""
        text = self._parameter("limit")
        if text is None:
            return _USUAL_LIMIT
        digits = len(text) <= len(str(_MAX_LIMIT)) and text.isascii() and text.isdigit()
        if not (digits and 1 <= int(text) <= _MAX_LIMIT):
            raise InvalidRequest(FieldError("limit", N_("Use a whole number from 1 to 100.")))
        return int(text)

    def _parameter(self, name: str) -> str | None:
        """Return a query parameter of a call, or None. Raise InvalidRequest if it was sent twice."""
        sent = self.query.getlist(name)
        if len(sent) > 1:
            raise InvalidRequest(FieldError(name, N_("This was sent twice. Send it once.")))
        return sent[0] if sent else None

    async def write(
        self,
        action: Callable[Concatenate[UnitOfWork, Visitor, P], Awaitable[T | Problem]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run an action as the visitor, who is admitted again inside the transaction."""

        async def admitted(uow: UnitOfWork) -> T | Problem:
            visitor = await self.site.part(AccessControl).admit(uow, self.session_token, self.need)
            actor = Actor(account_id=visitor.account_id)
            return await action(uow.acting_as(actor), visitor, *args, **kwargs)

        return await self.system.write(admitted)

    async def read(
        self, action: Callable[Concatenate[UnitOfWork, Visitor, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action that only reads, as the visitor."""
        return await self.system.read(action, self.known_visitor, *args, **kwargs)

    async def once(self, action: Callable[[UnitOfWork, str], Awaitable[T]], uow: UnitOfWork, account_id: str) -> T:
        """Run an action that only reads; the cards of a page share its answer."""
        key = (action, account_id)
        if key not in self._shared:
            self._shared[key] = await action(uow, account_id)
        answer: T = self._shared[key]
        return answer

    def render(self, template: str, *, status_code: int = 200, **context: Any) -> Response:  # noqa: ANN401 - each template has its own
        """Answer with a page."""
        start: StartPage | None = self.site.parts.get(StartPage)
        shared: Mapping[str, Any] = {
            "lang": locale(),
            "visitor": self.visitor,
            "problem": self.problem,
            "form": self.form,
            "form_at": self.form_at,
            "status": self.status,
            "now": self.now,
            "banners": self.banners,
            "start_page": _(start.link) if start else "",
        }
        html = self.site.part(Templates).render(template, {**shared, **context})
        return Response(html, status_code, media_type="text/html")

    def redirect(self, path: str) -> Response:
        """Redirect to one of our pages with GET (303, RFC 9700 4.12).

        From a form, a page that leads to another origin is reached by a page in between: see `leaving`.
        """
        address = self.site.config.base_path + path
        if self.request.method == "POST" and path.partition("?")[0] in self.site.part(Leaving):
            response = self.render("web/leaving.html", address=address, host="")
            response.headers["Refresh"] = f"0; url={address}"
            return response
        return RedirectResponse(address, 303)
