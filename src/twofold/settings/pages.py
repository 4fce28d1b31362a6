"""User Settings: every room's card on one page, greyed until one authenticates again."""

from dataclasses import dataclass

from starlette.responses import Response

from twofold.base.texts import N_, _
from twofold.base.visitor import Need
from twofold.base.web.ask import Ask
from twofold.base.web.cards import Card
from twofold.base.web.routes import Page
from twofold.sessions.actions import identify
from twofold.sessions.rules import is_unlocked

_DONE = {
    "two_factor_updated": N_("Your 2FA settings are updated."),
    "two_factor_waits": N_("Your 2FA settings are updated. One step is left: set up a method."),
    "method_updated": N_("Your 2FA method is updated."),
    "factor_added": N_("Your authenticator is set up."),
    "factor_renamed": N_("The authenticator has its new name."),
    "factor_removed": N_("The authenticator is removed."),
    "default_changed": N_("Your default authenticator is changed."),
    "computer_renamed": N_("The computer has its new name."),
    "computer_forgotten": N_("The computer is forgotten. It will be asked for a code."),
    "computers_forgotten": N_("All computers are forgotten. Each will be asked for a code."),
    "session_ended": N_("The session is ended."),
    "sessions_ended": N_("All your other sessions are ended."),
    "email_link_sent": N_(
        "Check your new mailbox: we have sent a link there. Your email is unchanged until you open it."
    ),
    "email_changed": N_("Your email is changed. Other sessions and trusted computers are ended."),
    "password_changed": N_("Your password is changed. Other sessions and trusted computers are ended."),
}


@dataclass(frozen=True, slots=True)
class Cards:
    """The cards, in the order of the page."""

    cards: tuple[Card, ...]


async def home(ask: Ask) -> Response:
    """Lead to the settings, or to the door."""
    visitor = await ask.acts.read(identify, ask.session_token)
    return ask.go("/settings" if visitor else "/sign-in")


async def show(ask: Ask) -> Response:
    """Show everything that can be set."""
    visitor = ask.known_visitor
    cards = [await ask.look(card, ask) for card in ask.site.part(Cards).cards]
    if ask.problem is None and ask.query.get("done") in _DONE:
        ask.status = _(_DONE[ask.query["done"]])
    return ask.render(
        "settings/settings.html",
        cards=cards,
        unlocked=is_unlocked(visitor, ask.now),
        unlocked_until=visitor.unlocked_until,
    )


ROUTES = (
    Page("GET", "/", home, Need.NOBODY),
    Page("GET", "/settings", show, Need.SIGNED_IN),
)
