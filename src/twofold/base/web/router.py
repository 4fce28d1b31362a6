"""Find the route of a path and method; a missing one is answered as a page or JSON, like any other problem."""

from collections.abc import Iterable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Router
from starlette.routing import Route as PathRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from twofold.base.problems import CallNotAllowed, MethodNotAllowed, NotFound, Problem
from twofold.base.site import Site
from twofold.base.visitor import Access
from twofold.base.web.admission import SAFE
from twofold.base.web.context import Context
from twofold.base.web.headers import SecurityHeaders
from twofold.base.web.paths import path_of
from twofold.base.web.refusals import refusal
from twofold.base.web.routes import ANY_METHOD, AnyRoute, Call, Endpoint, responder


class RouteTable:
    """The declared routes by path."""

    def __init__(self, routes: Iterable[AnyRoute]) -> None:
        self.paths: dict[str, list[AnyRoute]] = {}
        for route in routes:
            self.paths.setdefault(route.path, []).append(route)
        self._patterns = [PathRoute(path, _nothing) for path in self.paths if "{" in path]

    def for_programs(self, scope: Scope) -> bool:
        """Return whether the clients of a path read JSON: its routes say so, or it is an unknown path of the API."""
        path = path_of(scope)
        found = self.paths.get(path) or next(
            (self.paths[each.path] for each in self._patterns if each.matches(scope)[0] is Match.FULL), None
        )
        return any(route.for_programs for route in found) if found else path.startswith("/api/")


class OnePath:
    """All methods of one path."""

    def __init__(self, routes: Sequence[AnyRoute], site: Site) -> None:
        self._site = site
        self._methods = ", ".join(sorted({route.method for route in routes}))
        self._responders = {route.method: responder(route, site) for route in routes if not _is_raw(route)}
        if not any(isinstance(route, Call) and route.recorded for route in routes) and "GET" in self._responders:
            self._responders["HEAD"] = self._responders["GET"]
        self._for_programs = any(route.for_programs for route in routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or list the allowed methods."""
        found = self._responders.get(scope["method"])
        request = Request(scope, receive)
        response = await found(request) if found else self._not_allowed(request)
        await response(scope, receive, send)

    def _not_allowed(self, request: Request) -> Response:
        problem = CallNotAllowed(self._methods) if self._for_programs else MethodNotAllowed()
        response = _refuse(request, self._site, problem, for_programs=self._for_programs)
        response.headers["Allow"] = self._methods
        return response


def make_router(table: RouteTable, site: Site) -> ASGIApp:
    """Return the application: raw endpoints first, then all other routes behind the security headers."""
    endpoints = [each for routes in table.paths.values() for each in routes if isinstance(each, Endpoint) and each.raw]
    raw = {(method, each.path): each.raw(site) for each in endpoints if each.raw for method in _methods(each)}
    below = {f"{each.path}/": each.raw(site) for each in endpoints if each.raw and each.below}
    guarded = SecurityHeaders(_routed(table, site), secure=site.config.secure)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        path = path_of(scope)
        found = raw.get((scope["method"], path)) or raw.get((ANY_METHOD, path))
        if found is None:
            found = next((app for beginning, app in below.items() if path.startswith(beginning)), guarded)
        await found(scope, receive, send)

    return dispatch


def _methods(endpoint: Endpoint) -> Sequence[str]:
    return SAFE if endpoint.method in SAFE else (endpoint.method,)


def _routed(table: RouteTable, site: Site) -> ASGIApp:
    paths: dict[str, ASGIApp] = {path: OnePath(routes, site) for path, routes in table.paths.items()}

    async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
        response = _refuse(Request(scope, receive), site, NotFound(), for_programs=table.for_programs(scope))
        await response(scope, receive, send)

    patterns = [PathRoute(path, paths.pop(path)) for path in list(paths) if "{" in path]
    others = Router(patterns, default=not_found, redirect_slashes=False)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        await paths.get(path_of(scope), others)(scope, receive, send)

    return dispatch


def _refuse(request: Request, site: Site, problem: Problem, *, for_programs: bool) -> Response:
    return refusal(Context(request, site, Access.PUBLIC), problem, for_programs=for_programs)


def _is_raw(route: AnyRoute) -> bool:
    return isinstance(route, Endpoint) and route.raw is not None


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Do nothing: the endpoint of a pattern that is only matched."""
