"""One request, as handlers see it: who asks, what was sent, and how to act on it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from twofold.base.acts import Act, Acts
from twofold.base.ids import is_id
from twofold.base.languages import Languages
from twofold.base.problems import FieldError, InvalidRequest, NotFound, Problem
from twofold.base.sightings import IGNORED_FORWARDING, Sightings
from twofold.base.site import Site
from twofold.base.texts import N_, locale
from twofold.base.visitor import Need, Visitor
from twofold.base.web.cookies import SESSION, Cookies
from twofold.base.web.peers import forwards_untrusted, origin_of, peer_of
from twofold.base.web.returns import safe_return
from twofold.base.web.templates import Templates

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doors:
    """Who holds a session token; the composition root puts in the functions of the sessions room."""

    identify: Callable[[Act, str | None], Awaitable[Visitor | None]]
    require: Callable[[Act, str | None, Need], Awaitable[Visitor]]
    admit: Callable[[Act, str | None, Need], Awaitable[Visitor]]  # keeps the account to the transaction
    note_refusal: Callable[[Act, str | None, str, str], Awaitable[None]]  # of which route, and why
    has_unsaved_code: Callable[[Act, Visitor], Awaitable[bool]]


class Ask:
    """One request."""

    def __init__(self, request: Request, site: Site, need: Need) -> None:
        self.request = request
        self.site = site
        self.need = need
        self.origin = origin_of(request.scope, site.config.trusted_proxies, site.part(Languages))
        if forwards_untrusted(request.scope, site.config.trusted_proxies):
            site.part(Sightings).note(IGNORED_FORWARDING, peer_of(request.scope), site.clock())
        self.acts = Acts(site, self.origin)
        self.cookies = Cookies(site.config, request.scope["headers"])
        self.now = site.clock()
        self.visitor: Visitor | None = None
        self.problem: Problem | None = None  # set when a form is shown again
        self.form: dict[str, str] = {}
        self.form_at = ""  # where the form was posted to that is shown again
        self.status: str | None = None  # the text of a success banner
        self.unsaved_recovery_code = False

    @cached_property
    def bearer(self) -> str | None:
        """The session token of a client without cookies."""
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @property
    def session_token(self) -> str | None:
        """The session token, from whichever place it came."""
        return self.bearer if self.bearer is not None else self.cookies.get(SESSION)

    @property
    def query(self) -> QueryParams:
        """What stands behind the question mark."""
        return self.request.query_params

    @property
    def return_to(self) -> str:
        """Where to go afterwards: a page of ours, whatever was asked for."""
        return safe_return(self.form.get("return_to") or self.query.get("return_to") or "")

    @property
    def known_visitor(self) -> Visitor:
        """The visitor of a route that needs one."""
        assert self.visitor is not None  # noqa: S101 - the route's need was checked before the handler ran
        return self.visitor

    def id(self, name: str) -> str:
        """Give an id from the path. Raises NotFound for what cannot be one."""
        value = str(self.request.path_params[name])
        if not is_id(value):
            raise NotFound
        return value

    @property
    def cursor(self) -> str | None:
        """Give the id before which a list goes on. Raises InvalidRequest for what cannot be one."""
        before = self.query.get("before")
        if before is not None and not is_id(before):
            raise InvalidRequest(FieldError("before", N_("Give the cursor that the page before this one ended with.")))
        return before

    async def act(
        self,
        action: Callable[Concatenate[Act, Visitor, P], Awaitable[T | Problem]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run an action as the visitor, who is admitted again inside the transaction."""

        async def admitted(act: Act) -> T | Problem:
            visitor = await self.site.part(Doors).admit(act, self.session_token, self.need)
            return await action(act, visitor, *args, **kwargs)

        return await self.acts.write(admitted)

    async def look(
        self, action: Callable[Concatenate[Act, Visitor, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action that only reads, as the visitor."""
        return await self.acts.read(action, self.known_visitor, *args, **kwargs)

    def render(self, template: str, *, status_code: int = 200, **context: Any) -> Response:  # noqa: ANN401 - each template has its own
        """Answer with a page."""
        shared: Mapping[str, Any] = {
            "lang": locale(),
            "visitor": self.visitor,
            "problem": self.problem,
            "form": self.form,
            "form_at": self.form_at,
            "status": self.status,
            "now": self.now,
            "unsaved_recovery_code": self.unsaved_recovery_code,
        }
        html = self.site.part(Templates).render(template, {**shared, **context})
        return Response(html, status_code, media_type="text/html")

    def go(self, path: str) -> Response:
        """Send the browser to a page of ours, to be fetched afresh (303, RFC 9700 4.12)."""
        return RedirectResponse(self.site.config.base_path + path, 303)
