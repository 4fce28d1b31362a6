"""Identifiers and tokens, all from the system's random source.

An id may be seen by anybody; a token is a secret, and only its hash is ever stored.
"""

import hashlib
import itertools
import secrets

_order = itertools.count()
_ID_LENGTH = 26
_LETTERS = "0123456789abcdefghijklmnopqrstuv"  # base32hex keeps the order of bytes, plain base32 does not
_ID_LETTERS = frozenset(_LETTERS)
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]


def new_id() -> str:
    """Make an opaque id: 128 random bits as 26 lower-case letters and digits."""
    return _base32(secrets.token_bytes(16))


def sortable_id(now: int) -> str:
    """Make an id that sorts by `now` (epoch seconds), within a second by order; 48 random bits make it unique."""
    order = next(_order) % 2**32
    return _base32(max(now, 0).to_bytes(6, "big") + order.to_bytes(4, "big") + secrets.token_bytes(6))


def first_id(at: int) -> str:
    """Give the lowest id that sorts by this moment (epoch seconds)."""
    return _base32(max(at, 0).to_bytes(6, "big") + bytes(10))


def new_token() -> str:
    """Make a secret token of 256 bits, safe in cookies, headers and URLs."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Hash a token for storage. The token has 256 random bits, so a plain SHA-256 is enough (ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _base32(raw: bytes) -> str:
    """Write 16 bytes as 26 characters (RFC 4648, 7), in less than half the time that the standard library takes."""
    number = int.from_bytes(raw, "big") << 2
    return "".join([_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10)])


def is_id(text: str) -> bool:
    """Tell whether a text can be one of our ids."""
    return len(text) == _ID_LENGTH and all(character in _ID_LETTERS for character in text)
