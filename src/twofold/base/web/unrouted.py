"""Answers without a route: while the database is unavailable, when a request is cut off, after an unexpected error."""

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from twofold.base.problems import Problem
from twofold.base.web.headers import SecurityHeaders
from twofold.base.web.refusals import with_retry_after


class Outgoing:
    """Forwards an answer to the server; `begun` is set once the server has accepted its first message."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        """Forward a message. A server raises an exception for a header that it cannot send."""
        await self._send(message)
        self.begun = True


async def answer_unrouted(
    problem: Problem, scope: Scope, receive: Receive, send: Send, *, secure: bool, for_programs: bool
) -> None:
    """Answer with a problem without an open site: one sentence, or JSON for programs."""
    response: Response
    if for_programs:
        body = msgspec.json.encode(problem.as_json())
        response = Response(body, problem.status, media_type="application/problem+json")
    else:
        response = PlainTextResponse(problem.detail, problem.status)
    await SecurityHeaders(with_retry_after(response, problem), secure=secure)(scope, receive, send)
