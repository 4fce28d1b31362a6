"""The session check, a raw ASGI function in front of the router. One indexed read without a cache, so ended sessions
are refused at once.
"""

import msgspec
from starlette.types import Receive, Scope, Send

from twofold.base.ids import token_hash
from twofold.base.problems import Problem
from twofold.base.site import Site
from twofold.base.visitor import NotSignedIn
from twofold.base.web.cookies import SESSION, CookieNames, Cookies
from twofold.base.web.headers import NO_STORE, security_headers
from twofold.base.web.refusals import problem_body, retry_after, unexpected_error
from twofold.base.web.routes import API_PATH, Endpoint
from twofold.sessions import store
from twofold.sessions.actions import visitor_of
from twofold.sessions.api import describe

_PATH = f"{API_PATH}/session"
_JSON = (b"content-type", b"application/json")


class SessionCheck:
    """Answers `GET /api/v1/session`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._names = site.part(CookieNames)
        self._headers = [*security_headers(secure=site.config.secure), NO_STORE]
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Answer with the session, or with a problem."""
        try:
            status, (body, extra) = 200, await self._answer(scope)
        except Problem as problem:
            status, body, extra = self._refusal(problem)
        except Exception:  # noqa: BLE001 - reported and logged as on every other route
            status, body, extra = self._refusal(unexpected_error(_PATH))
        headers = [*extra, (b"content-length", b"%d" % len(body)), *self._headers]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _refusal(self, problem: Problem) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        headers = [(b"content-type", b"application/problem+json")]
        if seconds := retry_after(problem):
            headers.append((b"retry-after", seconds.encode()))
        return problem.status, problem_body(self._site, problem), headers

    async def _answer(self, scope: Scope) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        cookies = Cookies(self._names, scope["headers"])
        bearer = _bearer(scope["headers"])
        token = cookies.get(SESSION) if bearer is None else bearer
        if not token:
            raise NotSignedIn
        site, session_hash = self._site, token_hash(token)
        now = site.clock()
        visitor = visitor_of(site, now, session_hash, await site.db.read(store.find, session_hash))
        if visitor is None or (visitor.unseen and not await site.db.write(store.mark_seen, session_hash)):
            raise NotSignedIn
        if bearer is None:
            cookies.move_session(visitor.expires_at - now)
        return self._encode(describe(visitor, now)), [_JSON, *cookies.header_lines()]


def _bearer(headers: list[tuple[bytes, bytes]]) -> str | None:
    header = next((value.decode("latin-1") for name, value in headers if name == b"authorization"), "")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


ENDPOINT = Endpoint(method="GET", path=_PATH, raw=SessionCheck)
