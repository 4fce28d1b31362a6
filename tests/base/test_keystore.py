"""A database is opened with its own keys or not at all."""

import asyncio
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
    """Return settings for an empty data directory."""
    return load({"TWOFOLD_DATA_DIR": str(tmp_path)})[0]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """Yield an empty database."""
    opened = await open_database(database_url, serving=True)
    await migrate(opened)
    yield opened
    await opened.close()


def write_keys(config: Config, *keys: tuple[str, bytes]) -> None:
    """Put a key file in place, newest key first."""
    path = config.data_dir / KEY_FILE
    path.write_text("".join(f"{key_id}:{urlsafe_b64encode(key).decode()}\n" for key_id, key in keys))
    path.chmod(0o600)


async def test_first_start_creates_a_key_and_the_second_uses_it(config: Config, db: Database) -> None:
    """Values sealed before the second start open after it."""
    sealed = (await open_keyring(config, db, NOW)).seal("totp", b"secret", bound_to="row")
    assert (await open_keyring(config, db, NOW)).unseal("totp", sealed, bound_to="row") == b"secret"


async def test_lost_key_file_is_not_replaced_over_existing_data(config: Config, db: Database) -> None:
    """With existing data, only the backup helps (K06)."""
    await open_keyring(config, db, NOW)
    (config.data_dir / KEY_FILE).unlink()
    with pytest.raises(KeyFileError, match=r"missing.* TWOFOLD_SECRET_KEYS as on the other nodes"):
        await open_keyring(config, db, NOW)
    assert not (config.data_dir / KEY_FILE).exists()


async def test_wrong_key_is_refused(config: Config, db: Database) -> None:
    """This holds for the same name and for another."""
    await open_keyring(config, db, NOW)
    for name, sentence in (("k1", "not the one"), ("k9", "None of the keys")):
        write_keys(config, (name, b"x" * 32))
        with pytest.raises(KeyFileError, match=sentence):
            await open_keyring(config, db, NOW)


async def test_refused_key_is_not_stored(config: Config, db: Database) -> None:
    """The right file still opens the database afterwards."""
    await open_keyring(config, db, NOW)
    right = (config.data_dir / KEY_FILE).read_text()
    write_keys(config, ("k9", b"x" * 32))
    with pytest.raises(KeyFileError):
        await open_keyring(config, db, NOW)
    (config.data_dir / KEY_FILE).write_text(right)
    assert (await open_keyring(config, db, NOW)).ids == ("k1",)


async def test_newer_key_is_accepted_before_the_old_one(config: Config, db: Database) -> None:
    """Afterwards, the newer key alone is accepted, too."""
    write_keys(config, ("k1", b"1" * 32))
    await open_keyring(config, db, NOW)
    write_keys(config, ("k2", b"2" * 32), ("k1", b"1" * 32))
    assert (await open_keyring(config, db, NOW)).ids == ("k2", "k1")
    write_keys(config, ("k2", b"2" * 32))
    assert (await open_keyring(config, db, NOW)).ids == ("k2",)


async def test_keys_from_the_settings_need_no_file(config: Config, db: Database) -> None:
    """No file is created."""
    given = replace(config, secret_keys=(SecretKey("k5", b"5" * 32),))
    assert (await open_keyring(given, db, NOW)).ids == ("k5",)
    assert not (config.data_dir / KEY_FILE).exists()


async def test_key_file_readable_by_others_is_refused(config: Config, db: Database) -> None:
    """This also holds for an empty database."""
    write_keys(config, ("k1", b"1" * 32))
    (config.data_dir / KEY_FILE).chmod(0o644)
    with pytest.raises(KeyFileError, match="Other users can read"):
        await open_keyring(config, db, NOW)


async def test_one_of_two_nodes_creating_a_key_at_once_is_refused(tmp_path: Path, database_url: str) -> None:
    """Otherwise neither could open what the other sealed; the second keeps no key and says what to do."""
    nodes = [load({"TWOFOLD_DATA_DIR": str(tmp_path / name)})[0] for name in ("one", "other")]
    databases = [await open_database(database_url, serving=False) for _ in nodes]
    await migrate(databases[0])
    for node in nodes:
        node.data_dir.mkdir()
    for number in range(30):
        opening = [open_keyring(node, db, NOW) for node, db in zip(nodes, databases, strict=True)]
        opened = await asyncio.gather(*opening, return_exceptions=True)
        refused = [each for each in opened if isinstance(each, KeyFileError)]
        assert [str(each).partition(" is missing")[2] != "" for each in refused] == [True], f"round {number}"
        kept = [node for node in nodes if (node.data_dir / KEY_FILE).exists()]
        assert len(kept) == 1, f"round {number}"
        (kept[0].data_dir / KEY_FILE).unlink()
        await databases[0].write(lambda tx: tx.run("DELETE FROM secret_key"))
    for db in databases:
        await db.close()
