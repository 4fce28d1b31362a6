"""The documentation of the API: as OpenAPI, and as a page without external resources."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import Response

from twofold.base.feature import Features
from twofold.base.problems import MethodNotAllowed, NotFound, Unavailable, WrongOrigin
from twofold.base.site import Site
from twofold.base.texts import locale
from twofold.base.visitor import TABLE
from twofold.base.web.conditions import has_tag
from twofold.base.web.context import Context
from twofold.base.web.refusals import InternalError
from twofold.base.web.routes import API_PATH, Call, Endpoint


def _openapi(ctx: Context) -> bytes:
    return msgspec.json.encode(_described(ctx.site))


def _page(ctx: Context) -> bytes:
    problems = _problems(ctx.site.part(Features))
    return bytes(ctx.render("web/api_docs.html", document=_described(ctx.site), problems=problems).body)


def _described(site: Site) -> dict[str, Any]:
    from twofold.base.web.openapi import document  # noqa: PLC0415 - needed only once it is requested

    features = site.part(Features)
    return document(
        _calls(features),
        title=f"Twofold API of {site.config.site_name}",
        base_url=site.config.base_url,
        evidence=features.evidence,
    )


def _calls(features: Features) -> list[Call]:
    return [route for route in features.routes if isinstance(route, Call)]


class CachedDocument:
    """A document that is the same for every client, cached per language with its ETag (RFC 9110 8.8.3)."""

    def __init__(self, render: Callable[[Context], bytes], media_type: str) -> None:
        self._render = render
        self._media_type = media_type
        self._cache: dict[str, asyncio.Task[tuple[bytes, str]]] = {}

    async def answer(self, ctx: Context) -> Response:
        """Answer with the document, or 304 if the client has it."""
        content, tag = await self._content(ctx)
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Language"}
        known = ctx.request.headers.getlist("if-none-match")
        if has_tag(known, tag):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=self._media_type)

    async def _content(self, ctx: Context) -> tuple[bytes, str]:
        """Return the document in the current language; create it once, in a thread, for concurrent requests."""
        cached = self._cache.get(locale())
        if cached is None or (cached.done() and (cached.cancelled() or cached.exception())):
            cached = self._cache[locale()] = asyncio.create_task(asyncio.to_thread(self._tagged, ctx))
        return await asyncio.shield(cached)

    def _tagged(self, ctx: Context) -> tuple[bytes, str]:
        content = self._render(ctx)
        return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _problems(features: Features) -> list[dict[str, Any]]:
    """Return every problem that a call can answer with, by status and code."""
    raised = [problem for call in _calls(features) for problem in (*call.problems, *TABLE[call.need].problems)]
    raised += [
        InternalError,
        MethodNotAllowed,
        NotFound,
        Unavailable,
        WrongOrigin,
    ]  # last, so that these replace others of the same code
    known = {
        problem.code: {"code": problem.code, "status": problem.status, "title": problem.title} for problem in raised
    }
    return sorted(known.values(), key=lambda problem: (problem["status"], problem["code"]))


DOCUMENTS = (
    Endpoint(
        method="GET",
        path=f"{API_PATH}/openapi.json",
        make=lambda _: CachedDocument(_openapi, "application/json").answer,
    ),
    Endpoint(method="GET", path=f"{API_PATH}/docs", make=lambda _: CachedDocument(_page, "text/html").answer),
)
