"""`/dev/outbox` shows what `console:` couriers were given; `/dev/authenticator` computes codes in the page."""

import msgspec
from starlette.responses import Response

from twofold.base.problems import NotFound
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.peers import peer_of
from twofold.base.web.routes import Page
from twofold.couriers.contract import Mailbox
from twofold.dev import rules


async def outbox(ask: Ask) -> Response:
    """Show the messages, newest first."""
    _check(ask)
    newest_first = list(reversed(ask.site.part(Mailbox).messages))
    texts = [rules.pieces(message.text, ask.site.config.base_url) for message in newest_first]
    return ask.render("dev/outbox.html", messages=list(zip(newest_first, texts, strict=True)))


async def outbox_json(ask: Ask) -> Response:
    """Give the messages to a program, oldest first."""
    _check(ask)
    messages = list(ask.site.part(Mailbox).messages)
    return Response(msgspec.json.encode(messages), media_type="application/json")


async def authenticator(ask: Ask) -> Response:
    """Show an authenticator; its keys never leave the page."""
    _check(ask)
    return ask.render("dev/authenticator.html")


def _check(ask: Ask) -> None:
    """Raises NotFound for everybody who is not at this machine: nothing tells that the page exists."""
    headers = ask.request.headers
    if not rules.may_see(ask.site.config, peer_of(ask.request.scope), headers.get("host", ""), headers.keys()):
        raise NotFound


ROUTES = (
    Page("GET", "/dev/outbox", outbox, Need.NOBODY),
    Page("GET", "/dev/outbox.json", outbox_json, Need.NOBODY),
    Page("GET", "/dev/authenticator", authenticator, Need.NOBODY),
)
