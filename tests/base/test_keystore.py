"""A database is opened with its own keys or not at all."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from twofold.base.database import Database, open_database
from twofold.base.database.migrate import migrate
from twofold.base.keys import KeyFileError
from twofold.base.keystore import KEY_FILE, open_keyring
from twofold.config import Config, SecretKey, load

NOW = 1_800_000_000


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings for an empty data directory."""
    return load({"TWOFOLD_DATA_DIR": str(tmp_path)})[0]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An empty database."""
    opened = await open_database(database_url, serving=True)
    await migrate(opened)
    yield opened
    await opened.close()


def write_keys(config: Config, *keys: tuple[str, bytes]) -> None:
    """Puts a key file in place, newest key first."""
    path = config.data_dir / KEY_FILE
    path.write_text("".join(f"{key_id}:{urlsafe_b64encode(key).decode()}\n" for key_id, key in keys))
    path.chmod(0o600)


async def test_the_first_start_makes_a_key_and_the_second_takes_it(config: Config, db: Database) -> None:
    """What was sealed before opens after."""
    sealed = (await open_keyring(config, db, NOW)).seal("totp", b"secret", bound_to="row")
    assert (await open_keyring(config, db, NOW)).unseal("totp", sealed, bound_to="row") == b"secret"


async def test_a_lost_key_file_is_never_replaced(config: Config, db: Database) -> None:
    """Over existing data there is only the backup (K06)."""
    await open_keyring(config, db, NOW)
    (config.data_dir / KEY_FILE).unlink()
    with pytest.raises(KeyFileError, match=r"missing.* TWOFOLD_SECRET_KEYS as on the other nodes"):
        await open_keyring(config, db, NOW)
    assert not (config.data_dir / KEY_FILE).exists()


async def test_a_wrong_key_is_refused(config: Config, db: Database) -> None:
    """By the same name, and by another."""
    await open_keyring(config, db, NOW)
    for name, sentence in (("k1", "not the one"), ("k9", "None of the keys")):
        write_keys(config, (name, b"x" * 32))
        with pytest.raises(KeyFileError, match=sentence):
            await open_keyring(config, db, NOW)


async def test_a_refused_key_is_not_remembered(config: Config, db: Database) -> None:
    """The right file opens the database as if nothing had been tried."""
    await open_keyring(config, db, NOW)
    right = (config.data_dir / KEY_FILE).read_text()
    write_keys(config, ("k9", b"x" * 32))
    with pytest.raises(KeyFileError):
        await open_keyring(config, db, NOW)
    (config.data_dir / KEY_FILE).write_text(right)
    assert (await open_keyring(config, db, NOW)).ids == ("k1",)


async def test_a_newer_key_is_taken_in_front_of_the_old_one(config: Config, db: Database) -> None:
    """And afterwards the newer one alone belongs to the database, too."""
    write_keys(config, ("k1", b"1" * 32))
    await open_keyring(config, db, NOW)
    write_keys(config, ("k2", b"2" * 32), ("k1", b"1" * 32))
    assert (await open_keyring(config, db, NOW)).ids == ("k2", "k1")
    write_keys(config, ("k2", b"2" * 32))
    assert (await open_keyring(config, db, NOW)).ids == ("k2",)


async def test_keys_from_the_settings_need_no_file(config: Config, db: Database) -> None:
    """And none is made beside them."""
    given = replace(config, secret_keys=(SecretKey("k5", b"5" * 32),))
    assert (await open_keyring(given, db, NOW)).ids == ("k5",)
    assert not (config.data_dir / KEY_FILE).exists()


async def test_a_key_file_that_others_can_read_is_refused(config: Config, db: Database) -> None:
    """Also when the database is still empty."""
    write_keys(config, ("k1", b"1" * 32))
    (config.data_dir / KEY_FILE).chmod(0o644)
    with pytest.raises(KeyFileError, match="read by others"):
        await open_keyring(config, db, NOW)
