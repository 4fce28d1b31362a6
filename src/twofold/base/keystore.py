"""Open the keys that belong to a database, and refuse others."""

from pathlib import Path
from typing import NoReturn

from twofold.base.database import Database, Transaction
from twofold.base.database.mutex import acquire_mutex
from twofold.base.keys import KeyFileError, Keyring, create_key_file, read_key_file
from twofold.config import Config

KEY_FILE = "secret.keys"


async def open_keyring(config: Config, db: Database, now: int) -> Keyring:
    """Return the keys from the settings or the data directory; generate them only for a database without keys.

    Raise KeyFileError if they are missing, damaged, readable by other users, or belong to another database.
    """
    known = await db.read(known_keys)
    path = config.data_dir / KEY_FILE
    configured = [(key.id, key.key) for key in config.secret_keys] or read_key_file(path)
    keyring = Keyring(configured or _create_key(path, known))
    try:
        await db.write(_register, keyring, now)
    except KeyFileError:
        if configured is None:  # another node was first, so its key is used
            path.unlink()
            _refuse_missing(path)
        raise
    return keyring


def _create_key(path: Path, known: dict[str, str]) -> list[tuple[str, bytes]]:
    if known:
        _refuse_missing(path)
    try:
        return create_key_file(path)
    except OSError as error:
        message = f"The key file {path} cannot be written: {error.strerror}."
        raise KeyFileError(message) from error


def _refuse_missing(path: Path) -> NoReturn:
    message = f"The key file {path} is missing, but the database is encrypted with it: "
    message += "restore it from a backup, or set TWOFOLD_SECRET_KEYS as on the other nodes."
    raise KeyFileError(message)


def _check_keys(keyring: Keyring, known: dict[str, str]) -> None:
    wrong = [key_id for key_id in keyring.ids if known.get(key_id, "") not in ("", keyring.key_check(key_id))]
    if wrong:
        message = f"The key {wrong[0]} is not the one of this database: restore the key file of this database from a"
        message += " backup, or correct TWOFOLD_SECRET_KEYS."
        raise KeyFileError(message)
    if known and not any(key_id in known for key_id in keyring.ids):
        message = f"None of the keys belongs to this database: add {', '.join(known)} after the newer ones."
        raise KeyFileError(message)


async def known_keys(tx: Transaction) -> dict[str, str]:
    """Return the check values of the keys of a database, by key id."""
    rows = await tx.all("SELECT id, key_check FROM secret_key ORDER BY created_at DESC, id")
    return {row["id"]: row["key_check"] for row in rows}


async def _register(tx: Transaction, keyring: Keyring, now: int) -> None:
    await acquire_mutex(tx, "secret_key")  # two nodes may start at once on an empty database
    _check_keys(keyring, await known_keys(tx))
    for key_id in keyring.ids:
        await tx.run(
            """
            INSERT INTO secret_key (id, key_check, created_at) VALUES (:id, :key_check, :now)
            ON CONFLICT (id) DO NOTHING
            """,
            id=key_id,
            key_check=keyring.key_check(key_id),
            now=now,
        )
