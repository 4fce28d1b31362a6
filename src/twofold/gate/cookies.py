"""The two cookies of each application's origin: the nonce of an arrival, and the gate cookie.

A gate cookie is derived, never stored: the gate id of a session, and a keyed hash of that id and the origin. So no
application can derive the cookie of another, and each arrival sets the same one.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable

from twofold.base.keys import Keyring
from twofold.config import Config
from twofold.gate.origins import Origin

_BYTES = 16
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}")
_GATE_ID, _GATE_COOKIE = "gate-id", "gate-cookie"  # purposes of keys


class ApplicationCookies:
    """The names of both cookies at one origin, and how they are read and written."""

    def __init__(self, config: Config, origin: Origin) -> None:
        prefix = "__Host-twofold_" if origin.scheme == "https" else "twofold_"
        suffix = hashlib.sha256(f"{config.base_url} {origin}".encode()).hexdigest()[:8]
        self.nonce_name, self.gate_name = f"{prefix}arrive_{suffix}", f"{prefix}gate_{suffix}"
        self._rest = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if origin.scheme == "https" else "")

    def read(self, name: str, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the value of a cookie; of two cookies with one name, neither counts."""
        lines = b";".join(value for header, value in headers if header == b"cookie").decode("latin-1")
        values = re.findall(rf"(?:^|;)[ \t]*{name}=([^;]*)", lines)
        return values[0].rstrip(" \t") if len(values) == 1 else None

    def line(self, name: str, value: str) -> tuple[bytes, bytes]:
        """Return the header that sets a cookie, which lasts as long as the browser runs."""
        return b"set-cookie", f"{name}={value}{self._rest}".encode()


def new_nonce() -> str:
    """Return a new nonce: 16 random bytes, safe in cookies."""
    return secrets.token_urlsafe(_BYTES)


def is_nonce(value: str | None) -> bool:
    """Return whether a cookie has the form of a nonce."""
    return value is not None and _NONCE.fullmatch(value) is not None


def hash_of(value: str) -> str:
    """Return the hash by which a nonce is compared."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]


def gate_ids(keys: Keyring, session_id: str) -> tuple[bytes, ...]:
    """Return the gate id of a session by each key, the newest first."""
    return tuple(bytes.fromhex(mac)[:_BYTES] for mac in keys.macs(_GATE_ID, session_id))


def gate_hash(gate_id: bytes) -> bytes:
    """Return the hash under which a session is found by its gate id."""
    return hashlib.sha256(gate_id).digest()


def write_gate_cookie(keys: Keyring, gate_id: bytes, origin: Origin) -> str:
    """Return the gate cookie of a session at an origin."""
    return _encode(gate_id + bytes.fromhex(keys.mac(_GATE_COOKIE, f"{gate_id.hex()} {origin}"))[:_BYTES])


def read_gate_cookie(keys: Keyring, value: str | None, origin: Origin) -> bytes | None:
    """Return the gate id in a cookie, or None unless it was made for this origin."""
    if value is None or not _VALUE.fullmatch(value):
        return None
    raw = urlsafe_b64decode(f"{value}=")
    gate_id, given = raw[:_BYTES], raw[_BYTES:]
    macs = keys.macs(_GATE_COOKIE, f"{gate_id.hex()} {origin}")
    good = [hmac.compare_digest(bytes.fromhex(mac)[:_BYTES], given) for mac in macs]
    return gate_id if any(good) else None


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
