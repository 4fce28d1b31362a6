"""What a room offers: pages and calls, declared with what they need. One adapter checks it for every route.

The needs are the whole of access control: a route says NOBODY, SIGNED_IN or UNLOCKED, and a test walks the list.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from twofold.base.languages import Languages
from twofold.base.problems import Problem, Unavailable, WrongOrigin
from twofold.base.site import Site
from twofold.base.texts import N_
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask, Doors
from twofold.base.web.bodies import read_form, read_json
from twofold.base.web.paths import path_of
from twofold.base.web.returns import safe_return

_log = logging.getLogger("twofold")
_SAFE = ("GET", "HEAD")
_NOTED = ("locked_settings", "conflict")
_ELSEWHERE = (401, 403)  # not signed in, or locked: the browser is led there and back

Handler = Callable[[Ask], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page or the target of a form. When the form's act is refused, `again` shows it with the problem."""

    method: str
    path: str
    handler: Handler
    need: Need
    again: Handler | str | None = None  # a handler, or the path of the page that has the form

    async def answer(self, ask: Ask) -> Response:
        """Answer a browser."""
        try:
            await _check(ask, self.method, cookies_are_set=True)
            if ask.visitor is not None:
                ask.unsaved_recovery_code = await ask.look(ask.site.part(Doors).has_unsaved_code)
            if self.method not in _SAFE:
                ask.form = await read_form(ask.request)
            return await self.handler(ask)
        except Problem as problem:
            await _note_refusal(ask, self, problem)
            return await self._refused(ask, problem)

    async def _refused(self, ask: Ask, problem: Problem) -> Response:
        if problem.mend_at is not None and problem.status in _ELSEWHERE:
            return ask.go(f"{problem.mend_at}?return_to={quote(_place(ask, self), safe='')}")
        again = ask.site.part(Pages).get(self.again) if isinstance(self.again, str) else self.again
        if again is None or isinstance(problem, WrongOrigin | Unavailable):  # the form may need what is away
            return problem_page(ask, problem)
        ask.problem, ask.form_at = problem, path_of(ask.request.scope)
        try:
            response = await again(ask)
        except Problem as other:
            return problem_page(ask, other)
        response.status_code = problem.status
        return _with_retry_after(response, problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the JSON API. `body` and `answer_type` are its shapes, `problems` what it may refuse with."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    need: Need
    summary: str
    status: int = 200
    accepts: bool = False  # answers 202 without a body where the handler gives none: the rest comes by mail
    body: type[msgspec.Struct] | None = None
    answer_type: Any = None
    query: tuple[str, ...] = ()
    problems: tuple[type[Problem], ...] = ()

    async def answer(self, ask: Ask) -> Response:
        """Answer a program."""
        try:
            await _check(ask, self.method, cookies_are_set=False)
            given = [await read_json(ask.request, self.body)] if self.body else []
            value = await self.handler(ask, *given)
        except Problem as problem:
            await _note_refusal(ask, self, problem)
            return problem_json(ask.site, problem)
        if value is None:
            return Response(b"", 202 if self.accepts else self.status)
        return Response(msgspec.json.encode(value), self.status, media_type="application/json")


Route = Page | Call


class Pages(dict[str, Handler]):
    """The pages that are shown by GET, by path."""

    @classmethod
    def of(cls, routes: Iterable[Route]) -> "Pages":
        """Pick them out of all routes."""
        return cls({route.path: route.handler for route in routes if isinstance(route, Page) and route.method == "GET"})


def endpoint(route: Route, site: Site) -> Callable[[Request], Awaitable[Response]]:
    """Make the endpoint of a route: cookies go out with every answer, the unforeseen is a plain 500."""

    async def answer(request: Request) -> Response:
        ask = Ask(request, site, route.need)
        try:
            with site.part(Languages).spoken(ask.origin.locale):
                response = await route.answer(ask)
        except Exception:  # noqa: BLE001 - the person gets a sentence, the log the cause
            problem = unforeseen(route.path)
            response = problem_json(site, problem) if isinstance(route, Call) else problem_page(ask, problem)
        ask.cookies.write(response)
        return response

    return answer


class Broken(Problem):
    """Something went wrong that nobody foresaw; the reference finds it in the log."""

    code, status = "internal_error", 500
    title = N_("Something went wrong on our side")
    text = N_("Try again. If it happens again, tell your administrator this reference: {reference}.")


def unforeseen(path: str) -> Broken:
    """Log the exception that is being handled, and make the problem that is told instead of it."""
    reference = secrets.token_hex(4)
    _log.exception("request failed", extra={"reference": reference, "route": path})
    return Broken(reference=reference)


def problem_page(ask: Ask, problem: Problem) -> Response:
    """Show a problem on a page of its own."""
    ask.problem = problem
    response = ask.render("web/problem.html", status_code=problem.status, reference=problem.evidence.get("reference"))
    return _with_retry_after(response, problem)


def problem_json(site: Site, problem: Problem) -> Response:
    """Tell a program of a problem (RFC 9457)."""
    response = Response(problem_body(site, problem), problem.status, media_type="application/problem+json")
    return _with_retry_after(response, problem)


def problem_body(site: Site, problem: Problem) -> bytes:
    """Write a problem as JSON; its `type` leads to our page on the API, wherever Twofold is mounted."""
    told = problem.as_json()
    return msgspec.json.encode({**told, "type": site.config.base_path + told["type"]})


async def _check(ask: Ask, method: str, *, cookies_are_set: bool) -> None:
    if method not in _SAFE and (cookies_are_set or ask.cookies):
        _check_origin(ask)
    if ask.need is not Need.NOBODY:
        ask.visitor = await ask.acts.read(ask.site.part(Doors).require, ask.session_token, ask.need)


def _check_origin(ask: Ask) -> None:
    if ask.request.headers.get("origin") != ask.site.config.origin:
        raise WrongOrigin


async def _note_refusal(ask: Ask, route: "Route", problem: Problem) -> None:
    """Note a change that was refused to somebody who is signed in; what its own act has noted is left out."""
    if route.method in _SAFE or route.need is Need.NOBODY or problem.code not in _NOTED:
        return
    with suppress(Problem):  # the refusal stands, whether it can be noted or not
        note = ask.site.part(Doors).note_refusal
        await ask.acts.write(note, ask.session_token, f"{route.method} {route.path}", problem.code)


def _place(ask: Ask, page: Page) -> str:
    """Where to come back to: a page as it was asked for. A form cannot be sent again for somebody, so this is said."""
    if page.method not in _SAFE:
        return "/settings?done=not_changed"
    path, query = path_of(ask.request.scope), ask.request.scope["query_string"].decode("latin-1")
    whole = f"{path}?{query}" if query else path
    return whole if safe_return(whole) == whole else path


def retry_after(problem: Problem) -> str | None:
    """Give the seconds after which it may be tried again, for the header of that name."""
    return str(problem.wait) if problem.wait is not None else None


def _with_retry_after(response: Response, problem: Problem) -> Response:
    if seconds := retry_after(problem):
        response.headers["Retry-After"] = seconds
    return response
