"""From path and method to the endpoint; what is not there is told as a page or as JSON, like every other problem."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as PathRoute
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from twofold.base.problems import CallNotAllowed, MethodNotAllowed, NotFound, Problem
from twofold.base.site import Site
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.paths import path_of
from twofold.base.web.routes import Route, endpoint, problem_json, problem_page
from twofold.base.web.static import StaticFiles

Endpoint = Callable[[Request], Awaitable[Response]]
_API = "/api/"


class OnePath:
    """All methods of one path."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.methods: dict[str, Endpoint] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or tell which methods there are."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        found = self.methods.get(method)
        request = Request(scope, receive)
        response = await found(request) if found else self._not_allowed(request)
        await response(scope, receive, send)

    def _not_allowed(self, request: Request) -> Response:
        there = ", ".join(sorted(self.methods))
        for_programs = path_of(request.scope).startswith(_API)
        response = _refusal(request, self._site, CallNotAllowed(there) if for_programs else MethodNotAllowed())
        response.headers["Allow"] = there
        return response


def make_router(
    routes: Iterable[Route], plain: Mapping[str, Endpoint], hooks: Mapping[str, Endpoint], site: Site
) -> ASGIApp:
    """Build the router: declared routes, plain ones to read (health, documents), hooks to post to, static files."""
    paths: dict[str, OnePath] = {}
    for route in routes:
        paths.setdefault(route.path, OnePath(site)).methods[route.method] = endpoint(route, site)
    for path, handler in plain.items():
        paths.setdefault(path, OnePath(site)).methods["GET"] = handler
    for path, handler in hooks.items():
        paths.setdefault(path, OnePath(site)).methods["POST"] = handler
    paths.setdefault("/static/{name}", OnePath(site)).methods["GET"] = _static(site)

    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        await _refusal(Request(scope, receive), site, NotFound())(scope, receive, send)

    patterns = [PathRoute(path, paths.pop(path)) for path in list(paths) if "{" in path]
    others = Router(patterns, default=nothing, redirect_slashes=False)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        await paths.get(path_of(scope), others)(scope, receive, send)

    return dispatch


def _static(site: Site) -> Endpoint:
    async def serve(request: Request) -> Response:
        try:
            return await site.part(StaticFiles).serve(request)
        except NotFound as problem:
            return _refusal(request, site, problem)

    return serve


def _refusal(request: Request, site: Site, problem: Problem) -> Response:
    if path_of(request.scope).startswith(_API):
        return problem_json(site, problem)
    return problem_page(Ask(request, site, Need.NOBODY), problem)
