"""Identifiers and tokens from the system's random source.

An id is public; a token is a secret, and only its hash is stored.
"""

import hashlib
import itertools
import secrets

_order = itertools.count()
_ID_LENGTH = 26
_LETTERS = "0123456789abcdefghijklmnopqrstuv"  # base32hex preserves the order of bytes
_ID_LETTERS = frozenset(_LETTERS)
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]


def new_id() -> str:
    """Return an opaque id: 128 random bits as 26 lower-case letters and digits."""
    return _base32(secrets.token_bytes(16))


def sortable_id(now: int) -> str:
    """Return an id that sorts by `now` (epoch seconds), then by order of creation, with 48 random bits."""
    order = next(_order) % 2**32
    return _base32(max(now, 0).to_bytes(6, "big") + order.to_bytes(4, "big") + secrets.token_bytes(6))


def first_id(at: int) -> str:
    """Return the lowest sortable id of a time (epoch seconds)."""
    return _base32(max(at, 0).to_bytes(6, "big") + bytes(10))


def new_token() -> str:
    """Return a secret token of 256 bits, safe in cookies, headers and URLs."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return the hash of a token for storage. SHA-256 is enough for 256 random bits (ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _base32(raw: bytes) -> str:
    """Return 16 bytes as 26 characters (RFC 4648, 7); more than twice as fast as the standard library."""
    number = int.from_bytes(raw, "big") << 2
    return "".join([_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10)])


def is_id(text: str) -> bool:
    """Return whether a text has the form of an id."""
    return len(text) == _ID_LENGTH and all(character in _ID_LETTERS for character in text)
