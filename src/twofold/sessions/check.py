"""The session check: a raw ASGI function in front of the framework. One indexed read, no cache, so an end is an end."""

import msgspec
from starlette.types import Receive, Scope, Send

from twofold.base.ids import token_hash
from twofold.base.problems import Problem
from twofold.base.site import Site
from twofold.base.web.cookies import SESSION, Cookies
from twofold.base.web.headers import NO_STORE, security_headers
from twofold.base.web.routes import problem_body, retry_after, unforeseen
from twofold.sessions import store
from twofold.sessions.actions import holder
from twofold.sessions.api import describe
from twofold.sessions.rules import NotSignedIn

PATH = "/api/v1/session"


class SessionCheck:
    """Answers `GET /api/v1/session`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._headers = [*security_headers(secure=site.config.secure), NO_STORE]
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Answer with the session, or with a problem."""
        try:
            status, body, extra = 200, await self._body(scope), [(b"content-type", b"application/json")]
        except Problem as problem:
            status, body, extra = self._refusal(problem)
        except Exception:  # noqa: BLE001 - told and logged as on every other route
            status, body, extra = self._refusal(unforeseen(PATH))
        headers = [*extra, (b"content-length", b"%d" % len(body)), *self._headers]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _refusal(self, problem: Problem) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        headers = [(b"content-type", b"application/problem+json")]
        if seconds := retry_after(problem):
            headers.append((b"retry-after", seconds.encode()))
        return problem.status, problem_body(self._site, problem), headers

    async def _body(self, scope: Scope) -> bytes:
        token = self._token(scope["headers"])
        if not token:
            raise NotSignedIn
        site, found = self._site, token_hash(token)
        now = site.clock()
        visitor = holder(site, now, found, await site.db.read(store.find, found))
        if visitor is None:
            raise NotSignedIn
        return self._encode(describe(visitor, now))

    def _token(self, headers: list[tuple[bytes, bytes]]) -> str | None:
        for name, value in headers:
            if name == b"authorization":
                scheme, _, token = value.decode("latin-1").partition(" ")
                if scheme.lower() == "bearer":
                    return token.strip()
                break
        return Cookies(self._site.config, headers).get(SESSION)
