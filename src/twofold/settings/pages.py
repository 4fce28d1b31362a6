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

_DONE = {  # what was done: the card that tells of it, the top of the page where there is none, and the words
    "two_factor_on": ("", N_("Two-factor authentication is on.")),
    "recovery_code_saved": ("", N_("Your recovery code is saved.")),
    "two_factor_updated": ("two-factor", N_("Your 2FA settings are updated.")),
    "two_factor_waits": ("methods", N_("Your 2FA settings are updated. One step is left: set up a method.")),
    "method_updated": ("methods", N_("Your 2FA method is updated.")),
    "factor_added": ("authenticators", N_("Your authenticator is set up.")),
    "factor_renamed": ("authenticators", N_("The authenticator has its new name.")),
    "factor_removed": ("authenticators", N_("The authenticator is removed.")),
    "default_changed": ("authenticators", N_("Your default authenticator is changed.")),
    "computer_renamed": ("computers", N_("The computer has its new name.")),
    "computer_forgotten": ("computers", N_("The computer is forgotten. It will be asked for a code.")),
    "computers_forgotten": ("computers", N_("All computers are forgotten. Each will be asked for a code.")),
    "session_ended": ("sessions", N_("The session is ended.")),
    "sessions_ended": ("sessions", N_("All your other sessions are ended.")),
    "email_link_sent": (
        "email",
        N_("Check your new mailbox: we have sent a link there. Your email is unchanged until you open it."),
    ),
    "email_changed": ("email", N_("Your email is changed. Other sessions and trusted computers are ended.")),
    "password_changed": ("password", N_("Your password is changed. Other sessions and trusted computers are ended.")),
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
    cards = [await ask.look(each, ask) for each in ask.site.part(Cards).cards]
    done = ask.query.get("done", "") if ask.problem is None else ""
    card, text = _DONE.get(done, ("", None))
    if text is not None and not card:
        ask.status = _(text)
    return ask.render(
        "settings/settings.html",
        cards=cards,
        done={"card": card, "text": _(text)} if text is not None and card else None,
        not_changed=done == "not_changed",
        unlocked=is_unlocked(visitor, ask.now),
        unlocked_until=visitor.unlocked_until,
    )


ROUTES = (
    Page("GET", "/", home, Need.NOBODY),
    Page("GET", "/settings", show, Need.SIGNED_IN),
)
