"""The two cookies of each application's origin: the nonce of an arrival, and the gate cookie.

A gate cookie is derived, never stored: the gate id of a session, and a keyed hash of that id and the origin. So no
application can derive the cookie of another, and each arrival sets the same one.
"""

import hashlib
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from functools import lru_cache

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
        self._nonce, self._gate = _pattern(self.nonce_name), _pattern(self.gate_name)
        self._rest = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if origin.scheme == "https" else "")

    def read_nonce(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the value of the nonce cookie."""
        return _read(self._nonce, headers)

    def read_gate(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the value of the gate cookie."""
        return _read(self._gate, headers)

    def line(self, name: str, value: str) -> tuple[bytes, bytes]:
        """Return the header that sets a cookie, which lasts as long as the browser runs."""
        return b"set-cookie", f"{name}={value}{self._rest}".encode()


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|;)[ \t]*{name}=([^;]*)")


def _read(pattern: re.Pattern[str], headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the value of a cookie; of two cookies with one name, neither counts."""
    lines = [value for header, value in headers if header == b"cookie"]
    values = pattern.findall((lines[0] if len(lines) == 1 else b";".join(lines)).decode("latin-1")) if lines else []
    return values[0].rstrip(" \t") if len(values) == 1 else None


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
    mac = keys.mac(_GATE_COOKIE, _signed(gate_id, origin).decode())
    return _encode(gate_id + bytes.fromhex(mac)[:_BYTES])


def read_gate_cookie(keys: Keyring, value: str | None, origin: Origin) -> bytes | None:
    """Return the gate id in a cookie, or None unless it was made for this origin."""
    if value is None or not _VALUE.fullmatch(value):
        return None
    raw = urlsafe_b64decode(f"{value}=")
    gate_id, given = raw[:_BYTES], raw[_BYTES:]
    is_ours = keys.recognises_start(_GATE_COOKIE, _signed(gate_id, origin), given)
    return gate_id if is_ours else None


def _signed(gate_id: bytes, origin: Origin) -> bytes:
    """Return what a gate cookie is the keyed hash of."""
    return gate_id.hex().encode() + _suffix(origin)


@lru_cache(maxsize=1024)
def _suffix(origin: Origin) -> bytes:
    return f" {origin}".encode()


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
