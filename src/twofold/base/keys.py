"""The server's secret keys: sealing what must be read again, keyed hashes for what must only be recognised.

A key per purpose is derived from each secret (HKDF-Expand, RFC 5869 2.3; the secrets are uniform, so Extract is
not needed). The newest key writes; older ones still read.
"""

import hmac
import os
import secrets
import stat
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from twofold.config.places import secret_keys
from twofold.config.units import Refused

_NONCE = 12


class BrokenSealError(Exception):
    """What was sealed cannot be opened: another row's, altered, or under a key that is not here."""


class KeyFileError(Exception):
    """The key file cannot be used; the message is one sentence for the operator."""


class Keyring:
    """Secret keys, newest first; each is an id and 32 bytes."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        self._keys = dict(keys)
        self._newest = keys[0][0]
        self._derived = cache(self._derive)
        self._cipher = cache(lambda key_id, purpose: AESGCM(self._derived(key_id, purpose)))

    def __repr__(self) -> str:
        """Names, never the keys."""
        return f"Keyring({', '.join(self._keys)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the keys, newest first."""
        return tuple(self._keys)

    def seal(self, purpose: str, plain: bytes, *, bound_to: str) -> bytes:
        """Encrypt with AES-256-GCM; opens only for the same purpose and `bound_to` (row and account)."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher(self._newest, purpose).encrypt(nonce, plain, bound_to.encode())
        return self._newest.encode() + b":" + nonce + sealed

    def unseal(self, purpose: str, sealed: bytes, *, bound_to: str) -> bytes:
        """Decrypt what `seal` made. Raises BrokenSealError."""
        key_id, _, rest = sealed.partition(b":")
        name = key_id.decode("ascii", "replace")
        if name not in self._keys:
            raise BrokenSealError(name)
        try:
            return self._cipher(name, purpose).decrypt(rest[:_NONCE], rest[_NONCE:], bound_to.encode())
        except (InvalidTag, ValueError) as error:  # altered, or too short to be a seal
            raise BrokenSealError(name) from error

    def mac(self, purpose: str, text: str) -> str:
        """Hash `text` under the newest key: HMAC-SHA256, hex."""
        return self.macs(purpose, text)[0]

    def macs(self, purpose: str, text: str) -> tuple[str, ...]:
        """Hash `text` under every key, newest first: to recognise what an older key wrote."""
        data = text.encode("utf-8", "replace")
        return tuple(hmac.digest(self._derived(key_id, purpose), data, "sha256").hex() for key_id in self._keys)

    def recognises(self, purpose: str, text: str, expected: str) -> bool:
        """Compare `text` with a stored hash in constant time."""
        return any([hmac.compare_digest(mac, expected) for mac in self.macs(purpose, text)])  # noqa: C419 - no early exit

    def key_check(self, key_id: str) -> str:
        """Give a value that tells whether a key is the one that it was, without telling the key."""
        return self._derived(key_id, "check").hex()

    def _derive(self, key_id: str, purpose: str) -> bytes:
        return hmac.digest(self._keys[key_id], b"twofold:" + purpose.encode() + b"\x01", "sha256")


def read_key_file(path: Path) -> list[tuple[str, bytes]] | None:
    """Read `id:base64url` lines, newest first; None when there is no file. Raises KeyFileError."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        message = f"The key file {path} cannot be read: {error}."
        raise KeyFileError(message) from error
    if stat.S_IMODE(mode) & 0o077:
        message = f"The key file {path} can be read by others: run `chmod 600 {path}`, and consider the keys known."
        raise KeyFileError(message)
    try:
        return list(secret_keys(text))
    except Refused:
        raise KeyFileError(
            f"The key file {path} is damaged: each line must be `id:base64url` of 32 bytes, each id different. "
            "Restore it from your backup."
        ) from None


def make_key_file(path: Path) -> list[tuple[str, bytes]]:
    """Write a new random key, readable by the owner alone. Never overwrites. Raises OSError."""
    key = ("k1", secrets.token_bytes(32))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{key[0]}:{urlsafe_b64encode(key[1]).decode().rstrip('=')}\n")
        file.flush()
        os.fsync(handle)
    return [key]
