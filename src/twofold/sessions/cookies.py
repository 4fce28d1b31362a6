"""How a browser keeps its session, and its mark as a browser that the account has used before."""

from twofold.base.web.ask import Ask
from twofold.base.web.cookies import BROWSER, SESSION
from twofold.sessions.actions import Token

_A_YEAR = 365 * 86400


def keep_session(ask: Ask, token: Token) -> None:
    """Give the browser its session."""
    ask.cookies.set(SESSION, token.token, max(token.expires_at - ask.now, 0))


def keep_browser(ask: Ask, token: str | None) -> None:
    """Mark the browser as known to the account."""
    if token is not None:
        ask.cookies.set(BROWSER, token, _A_YEAR)


def drop_session(ask: Ask) -> None:
    """Take the session back."""
    ask.cookies.drop(SESSION)
