"""What is told while Twofold itself cannot open, because its database is away: nobody gets in."""

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from twofold.base.problems import Unavailable
from twofold.base.web.headers import SecurityHeaders
from twofold.base.web.paths import path_of


async def answer_unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 503 with one sentence, as JSON for programs."""
    problem = Unavailable()
    headers = {"Retry-After": str(problem.wait)}
    response: Response
    if path_of(scope).startswith("/api/"):
        body = msgspec.json.encode(problem.as_json())
        response = Response(body, problem.status, headers, media_type="application/problem+json")
    else:
        response = PlainTextResponse(problem.text, problem.status, headers)
    await SecurityHeaders(response, secure=False)(scope, receive, send)
