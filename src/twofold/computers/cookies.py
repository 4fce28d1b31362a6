"""How a browser keeps a trusted computer's token: a cookie per account, so that several people share a browser."""

from twofold.base.ids import token_hash
from twofold.base.web.ask import Ask
from twofold.base.web.cookies import COMPUTER
from twofold.sessions.actions import Token


def keep_computer(ask: Ask, account_id: str, token: Token | None) -> None:
    """Give the browser the token of a computer that was just trusted."""
    if token is not None:
        ask.cookies.set(_names(ask, account_id)[0], token.token, max(token.expires_at - ask.now, 0))


def computer_token(ask: Ask, account_id: str) -> str | None:
    """Give the token that this browser keeps for an account."""
    kept = (ask.cookies.get(name) for name in _names(ask, account_id))
    return next((token for token in kept if token), None)


def is_here(ask: Ask, account_id: str, stored_hash: bytes) -> bool:
    """Tell whether a trusted computer is the one that asks."""
    token = computer_token(ask, account_id)
    return token is not None and token_hash(token) == stored_hash


def _names(ask: Ask, account_id: str) -> list[str]:
    return [f"{COMPUTER}_{mac[:8]}" for mac in ask.site.keys.macs("computer", account_id)]
