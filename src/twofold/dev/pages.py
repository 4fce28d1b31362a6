"""Development pages: `/dev/outbox` shows the messages of `console:`, `/dev/authenticator` computes codes.

Any local program, or a forwarded port, can request them, so they need the key in the link that `serve` prints.
"""

import msgspec
from starlette.responses import Response

from twofold.base.problems import NotFound, Problem
from twofold.base.texts import N_
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.peers import peer_of
from twofold.base.web.routes import Page
from twofold.couriers.contract import Mailbox
from twofold.dev import rules
from twofold.dev.key import development_key, is_key

COOKIE = "dev"
_COOKIE_LIFETIME = 30 * 86_400  # seconds; the key itself ends when the service stops


class KeyNeeded(Problem):
    """A request for a development page without the current key."""

    code, status = "not_allowed", 403
    title = N_("Open the link that was printed when Twofold started")
    text = N_(
        "The development pages show every code and link, so they open only with the key in that link. The "
        "link ends in /dev?key=… and changes at each start. Find it in the terminal or log where `twofold "
        "serve` runs."
    )


async def enter(ctx: Context) -> Response:
    """Store the key of the link in a cookie, and show the development pages."""
    _check(ctx)
    ctx.cookies.set(COOKIE, development_key(), _COOKIE_LIFETIME)
    return ctx.render("dev/index.html")


async def outbox(ctx: Context) -> Response:
    """Show the messages, newest first."""
    _check(ctx)
    newest_first = list(reversed(ctx.site.part(Mailbox).messages))
    texts = [rules.linkify(message.text, ctx.site.config.base_url) for message in newest_first]
    return ctx.render("dev/outbox.html", messages=list(zip(newest_first, texts, strict=True)))


async def outbox_json(ctx: Context) -> Response:
    """Return the messages as JSON, oldest first."""
    _check(ctx)
    messages = list(ctx.site.part(Mailbox).messages)
    return Response(msgspec.json.encode(messages), media_type="application/json")


async def authenticator(ctx: Context) -> Response:
    """Show an authenticator, whose keys never leave the page."""
    _check(ctx)
    return ctx.render("dev/authenticator.html")


def _check(ctx: Context) -> None:
    """Raise NotFound unless the request is local, and KeyNeeded without the key."""
    headers = ctx.request.headers
    if not rules.may_request(ctx.site.config, peer_of(ctx.request.scope), headers.get("host", ""), headers.keys()):
        raise NotFound
    if not is_key(ctx.query.get("key"), ctx.cookies.get(COOKIE)):
        raise KeyNeeded


ROUTES = (
    Page("GET", "/dev", enter, Access.PUBLIC),
    Page("GET", "/dev/outbox", outbox, Access.PUBLIC),
    Page("GET", "/dev/outbox.json", outbox_json, Access.PUBLIC),
    Page("GET", "/dev/authenticator", authenticator, Access.PUBLIC),
)
