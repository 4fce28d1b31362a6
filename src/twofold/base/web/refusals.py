"""Answer with a problem: as a page, or as JSON (RFC 9457) on routes for programs."""

import logging
import secrets

import msgspec
from starlette.responses import Response

from twofold.base.problems import Problem
from twofold.base.site import Site
from twofold.base.texts import N_
from twofold.base.web.context import Context

_log = logging.getLogger("twofold")


class InternalError(Problem):
    """An unexpected error; the reference identifies it in the log."""

    code, status = "internal_error", 500
    title = N_("Something went wrong on our side")
    text = N_("Try again. If it keeps happening, give your administrator this reference: {reference}.")


def unexpected_error(path: str) -> InternalError:
    """Log the exception that is being handled, and return the problem to answer with."""
    reference = secrets.token_hex(4)
    _log.exception("request failed", extra={"reference": reference, "route": path})
    return InternalError(reference=reference)


def refusal(ctx: Context, problem: Problem, *, for_programs: bool) -> Response:
    """Answer with a problem in the form that the route's clients read."""
    return problem_json(ctx.site, problem) if for_programs else problem_page(ctx, problem)


def problem_page(ctx: Context, problem: Problem) -> Response:
    """Show a problem on a page of its own."""
    ctx.problem = problem
    response = ctx.render("web/problem.html", status_code=problem.status, reference=problem.evidence.get("reference"))
    return with_retry_after(response, problem)


def problem_json(site: Site, problem: Problem) -> Response:
    """Answer a program with a problem."""
    response = Response(problem_body(site, problem), problem.status, media_type="application/problem+json")
    return with_retry_after(response, problem)


def problem_body(site: Site, problem: Problem) -> bytes:
    """Return a problem as JSON; its `type` leads to our page on the API, wherever Twofold is mounted."""
    content = problem.as_json()
    return msgspec.json.encode({**content, "type": site.config.base_path + content["type"]})


def retry_after(problem: Problem) -> str | None:
    """Return the value of the `Retry-After` header, if the problem has one."""
    return str(problem.wait) if problem.wait is not None else None


def with_retry_after(response: Response, problem: Problem) -> Response:
    """Add `Retry-After` to a response, if the problem has one."""
    if seconds := retry_after(problem):
        response.headers["Retry-After"] = seconds
    return response
