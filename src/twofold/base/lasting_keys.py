"""Keys that outlast the secret keys: created once and stored in the database, encrypted with the newest secret key.

Hashes under such a key remain comparable after the secret keys were replaced.
"""

import secrets

from twofold.base.database import Database, Row, Transaction
from twofold.base.database.mutex import acquire_mutex
from twofold.base.keys import BrokenSealError, KeyFileError, Keyring

_PURPOSE = "lasting key"


async def open_lasting_key(db: Database, keyring: Keyring, purpose: str) -> bytes:
    """Return the key of this purpose, and encrypt it with the newest secret key. Raise KeyFileError if it is lost."""
    row = await db.read(_find, purpose)
    if row is None or not keyring.is_newest(row["sealed"]):
        return await db.write(_keep, keyring, purpose)
    return _unsealed(keyring, purpose, row)


async def _keep(tx: Transaction, keyring: Keyring, purpose: str) -> bytes:
    await acquire_mutex(tx, _PURPOSE)
    row = await _find(tx, purpose)
    key = _unsealed(keyring, purpose, row) if row else secrets.token_bytes(32)
    await tx.run(
        """
        INSERT INTO lasting_key (purpose, sealed) VALUES (:purpose, :sealed)
        ON CONFLICT (purpose) DO UPDATE SET sealed = :sealed
        """,
        purpose=purpose,
        sealed=keyring.seal(_PURPOSE, key, bound_to=purpose),
    )
    return key


def _unsealed(keyring: Keyring, purpose: str, row: Row) -> bytes:
    try:
        return keyring.unseal(_PURPOSE, row["sealed"], bound_to=purpose)
    except BrokenSealError as error:
        raise KeyFileError(
            f"The secret key that encrypts the key for {purpose} is missing: add it after the newer ones, and start"
            " once. Then it can be removed."
        ) from error


async def _find(tx: Transaction, purpose: str) -> Row | None:
    return await tx.one("SELECT sealed FROM lasting_key WHERE purpose = :purpose", purpose=purpose)
