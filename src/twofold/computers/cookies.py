"""The cookies of trusted computers: one per account, so that several people can share a browser."""

from twofold.base.ids import token_hash
from twofold.base.web.context import Context
from twofold.sessions.actions import Token

COOKIES = "computer_*"


def set_computer_cookie(ctx: Context, account_id: str, token: Token) -> None:
    """Set the cookie of a computer that was just trusted."""
    ctx.cookies.set(_names(ctx, account_id)[0], token.token, max(token.expires_at - ctx.now, 0))


def computer_token(ctx: Context, account_id: str) -> str | None:
    """Return the token of this browser for an account, or None."""
    kept = (ctx.cookies.get(name) for name in _names(ctx, account_id))
    return next((token for token in kept if token), None)


def is_current(ctx: Context, account_id: str, stored_hash: bytes) -> bool:
    """Return whether the request comes from this trusted computer."""
    token = computer_token(ctx, account_id)
    return token is not None and token_hash(token) == stored_hash


def _names(ctx: Context, account_id: str) -> list[str]:
    return [COOKIES.replace("*", mac[:8]) for mac in ctx.site.keys.macs("computer", account_id)]
