"""The key that protects the development pages, because a forwarded port looks like loopback."""

import hmac
import os
import secrets
from functools import cache

from twofold.config import Config

_INHERITED = "_TWOFOLD_DEVELOPMENT_KEY"  # passed from the process that prints the link to its workers


@cache
def development_key() -> str:
    """Return the key, which is new at each start; child processes have the same one."""
    return os.environ.setdefault(_INHERITED, secrets.token_urlsafe(16))


def is_key(*candidates: str | None) -> bool:
    """Return whether one of the candidates is the key."""
    key = development_key().encode()
    return any(hmac.compare_digest(key, (text or "").encode()) for text in candidates)


def link(config: Config) -> str:
    """Return the link to print."""
    return f"{config.base_url}/dev?key={development_key()}"
