"""The right keys for a database, or none: never other keys over data that was sealed before."""

from pathlib import Path

from twofold.base.database import Database, Transaction
from twofold.base.keys import KeyFileError, Keyring, make_key_file, read_key_file
from twofold.config import Config

KEY_FILE = "secret.keys"


async def open_keyring(config: Config, db: Database, now: int) -> Keyring:
    """Give the keys from the settings or the data directory, made anew only for a database that has none.

    Raises KeyFileError when they are missing, damaged, readable by others, or not this database's.
    """
    known = await db.read(known_keys)
    path = config.data_dir / KEY_FILE
    given = [(key.id, key.key) for key in config.secret_keys] or read_key_file(path)
    if given is None:
        given = _made(path, known)
    keyring = Keyring(given)
    _compare(keyring, known)
    await db.write(_remember, keyring, now)
    return keyring


def _made(path: Path, known: dict[str, str]) -> list[tuple[str, bytes]]:
    if known:
        message = f"The key file {path} is missing, but the database was sealed with it: "
        message += "restore it from your backup, or set TWOFOLD_SECRET_KEYS as on the other nodes."
        raise KeyFileError(message)
    try:
        return make_key_file(path)
    except OSError as error:
        message = f"The key file {path} cannot be written: {error.strerror}."
        raise KeyFileError(message) from error


def _compare(keyring: Keyring, known: dict[str, str]) -> None:
    wrong = [key_id for key_id in keyring.ids if known.get(key_id, "") not in ("", keyring.key_check(key_id))]
    if wrong:
        message = f"The key {wrong[0]} is not the one that this database was sealed with: restore the right one."
        raise KeyFileError(message)
    if known and not any(key_id in known for key_id in keyring.ids):
        message = f"None of the keys belongs to this database: add {', '.join(known)} behind the newer ones."
        raise KeyFileError(message)


async def known_keys(tx: Transaction) -> dict[str, str]:
    """Give the checks of the keys that a database was written with, by their ids."""
    rows = await tx.all("SELECT id, key_check FROM secret_key ORDER BY created_at DESC, id")
    return {row["id"]: row["key_check"] for row in rows}


async def _remember(tx: Transaction, keyring: Keyring, now: int) -> None:
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
