"""The API's own description: for programs as OpenAPI, for people as a page without outside hosts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from twofold.base.problems import MethodNotAllowed, NotFound, Problem, Unavailable, WrongOrigin
from twofold.base.site import Site
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.routes import Broken, Call, Route

Endpoint = Callable[[Request], Awaitable[Response]]


def documents(
    site: Site, routes: Sequence[Route], needs: Mapping[Need, Sequence[type[Problem]]]
) -> dict[str, Endpoint]:
    """Give the two documents by path; they are drawn when first asked for."""
    calls = [route for route in routes if isinstance(route, Call)]

    @cache
    def described() -> dict[str, Any]:
        from twofold.base.web.openapi import document  # noqa: PLC0415 - needed by those who ask only

        return document(
            calls,
            title=f"Twofold API of {site.config.site_name}",
            base_url=site.config.base_url,
            needs=needs,
        )

    async def openapi(_request: Request) -> Response:
        return Response(msgspec.json.encode(described()), media_type="application/json")

    async def page(request: Request) -> Response:
        ask = Ask(request, site, Need.NOBODY)
        return ask.render("web/api_docs.html", document=described(), problems=_problems(calls, needs))

    return {"/api/v1/openapi.json": openapi, "/api/v1/docs": page}


def _problems(calls: Sequence[Call], needs: Mapping[Need, Sequence[type[Problem]]]) -> list[dict[str, Any]]:
    """List every problem that a call can be answered with, by status and code."""
    raised = [problem for call in calls for problem in call.problems]
    raised += [problem for each in needs.values() for problem in each]
    raised += [Broken, MethodNotAllowed, NotFound, Unavailable, WrongOrigin]  # last, so that of one code these stay
    known = {
        problem.code: {"code": problem.code, "status": problem.status, "title": problem.title} for problem in raised
    }
    return sorted(known.values(), key=lambda problem: (problem["status"], problem["code"]))
