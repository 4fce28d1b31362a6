"""The cookies for sessions and known browsers."""

from starlette.responses import Response

from twofold.base.web.context import Context
from twofold.base.web.cookie_check import marked
from twofold.base.web.cookies import BROWSER, BROWSER_LIFETIME, SESSION
from twofold.sessions.actions import Token


def set_session_cookie(ctx: Context, token: Token) -> None:
    """Set the session cookie."""
    ctx.cookies.set(SESSION, token.token, max(token.expires_at - ctx.now, 0))


def set_browser_cookie(ctx: Context, token: str | None) -> None:
    """Set the cookie of a known browser."""
    if token is not None:
        ctx.cookies.set(BROWSER, token, BROWSER_LIFETIME)


def redirect_after_sign_in(ctx: Context, path: str) -> Response:
    """Redirect the browser after a sign-in; the next page detects a browser that rejects cookies."""
    return ctx.redirect(path if ctx.cookies.are_kept else marked(path))


def delete_session_cookie(ctx: Context) -> None:
    """Delete the session cookie."""
    ctx.cookies.drop(SESSION)
