"""The server's secret keys: encryption for values that are read again, keyed hashes for those only compared.

One key per purpose is derived from each secret (HKDF-Expand, RFC 5869 2.3; the secrets are uniform, so Extract is
not needed). The newest key encrypts; older ones still decrypt.
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

from twofold.config.values import InvalidSetting, secret_keys

_NONCE = 12


class BrokenSealError(Exception):
    """A sealed value cannot be decrypted: it was altered, belongs to another row, or its key is missing."""


class KeyFileError(Exception):
    """An unusable key file; the message is one sentence for the operator."""


class Keyring:
    """The secret keys, newest first; each is an id and 32 bytes."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        self._keys = dict(keys)
        self._newest = keys[0][0]
        self._derived = cache(self._derive)
        self._cipher = cache(lambda key_id, purpose: AESGCM(self._derived(key_id, purpose)))

    def __repr__(self) -> str:
        """Return the names of the keys, without their values."""
        return f"Keyring({', '.join(self._keys)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the keys, newest first."""
        return tuple(self._keys)

    def seal(self, purpose: str, plain: bytes, *, bound_to: str) -> bytes:
        """Return `plain` encrypted with AES-256-GCM, bound to its purpose and `bound_to` (row and account)."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher(self._newest, purpose).encrypt(nonce, plain, bound_to.encode())
        return self._newest.encode() + b":" + nonce + sealed

    def is_newest(self, sealed: bytes) -> bool:
        """Return whether a value was encrypted with the newest key."""
        return sealed.partition(b":")[0] == self._newest.encode()

    def unseal(self, purpose: str, sealed: bytes, *, bound_to: str) -> bytes:
        """Return the plain value of a sealed one. Raise BrokenSealError if it cannot be decrypted."""
        key_id, _, rest = sealed.partition(b":")
        name = key_id.decode("ascii", "replace")
        if name not in self._keys:
            raise BrokenSealError(name)
        try:
            return self._cipher(name, purpose).decrypt(rest[:_NONCE], rest[_NONCE:], bound_to.encode())
        except (InvalidTag, ValueError) as error:  # altered or too short
            raise BrokenSealError(name) from error

    def mac(self, purpose: str, text: str) -> str:
        """Return the HMAC-SHA256 of `text` with the newest key, in hex."""
        return self.macs(purpose, text)[0]

    def macs(self, purpose: str, text: str) -> tuple[str, ...]:
        """Return the HMAC of `text` with every key, newest first, to compare with older values."""
        data = text.encode("utf-8", "replace")
        return tuple(hmac.digest(self._derived(key_id, purpose), data, "sha256").hex() for key_id in self._keys)

    def recognises_start(self, purpose: str, data: bytes, start: bytes) -> bool:
        """Return whether the HMAC of `data` with one of the keys begins with `start`, which has at least 16 bytes."""
        length = len(start)
        found = False
        for key_id in self._keys:
            mac = hmac.digest(self._derived(key_id, purpose), data, "sha256")
            found |= hmac.compare_digest(mac[:length], start)
        return found

    def recognises(self, purpose: str, text: str, expected: str) -> bool:
        """Return whether `text` matches a stored HMAC, in constant time."""
        return any([hmac.compare_digest(mac, expected) for mac in self.macs(purpose, text)])  # noqa: C419 - no early exit

    def key_check(self, key_id: str) -> str:
        """Return a value that identifies a key without revealing it."""
        return self._derived(key_id, "check").hex()

    def _derive(self, key_id: str, purpose: str) -> bytes:
        return hmac.digest(self._keys[key_id], b"twofold:" + purpose.encode() + b"\x01", "sha256")


def read_key_file(path: Path) -> list[tuple[str, bytes]] | None:
    """Return the keys of `id:base64url` lines, newest first, or None if there is no file. Raise KeyFileError."""
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyFileError(
            f"The key file {path} cannot be read ({error.strerror}): make the user that runs Twofold its owner, or"
            " restore it from a backup."
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise KeyFileError(
            f"Other users can read the key file {path}: run `chmod 600 {path}`, and treat the keys as exposed. If every"
            " mount resets the mode, store the keys elsewhere and set TWOFOLD_SECRET_KEYS_FILE to that file."
        )
    try:
        return list(secret_keys(content.decode("utf-8-sig")))
    except (UnicodeDecodeError, InvalidSetting):
        raise KeyFileError(
            f"The key file {path} is damaged: each line must be `id:base64url` of 32 bytes, each id different. "
            "Restore it from your backup."
        ) from None


def create_key_file(path: Path) -> list[tuple[str, bytes]]:
    """Write a new random key to a file readable only by its owner. Never overwrite a file. Raise OSError."""
    key = ("k1", secrets.token_bytes(32))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{key[0]}:{urlsafe_b64encode(key[1]).decode().rstrip('=')}\n")
        file.flush()
        os.fsync(handle)
    return [key]
