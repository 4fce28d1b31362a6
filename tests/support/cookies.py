"""The names of Twofold's cookies according to the contract."""

from hashlib import sha256


def cookie_name(url: str, kind: str = "session") -> str:
    """Return the full name of a cookie for the instance at a base URL."""
    prefix = "__Host-" if url.startswith("https://") else ""
    return f"{prefix}twofold_{kind}_{instance(url)}"


def instance(url: str) -> str:
    """Return the eight digits that distinguish the instance at a base URL from others on its host."""
    return sha256(url.encode()).hexdigest()[:8]
