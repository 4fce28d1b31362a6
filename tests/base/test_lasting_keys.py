"""Keys that outlast the secret keys: one for each purpose, also after simultaneous starts and replaced secret keys."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from twofold.base.database import Database, open_database
from twofold.base.database.migrate import migrate
from twofold.base.keys import KeyFileError, Keyring
from twofold.base.lasting_keys import open_lasting_key

pytestmark = pytest.mark.anyio

OLD, NEW = ("k1", secrets.token_bytes(32)), ("k2", secrets.token_bytes(32))


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """Return a migrated database."""
    opened = await open_database(database_url, serving=False)
    await migrate(opened)
    yield opened
    await opened.close()


async def sealed(db: Database) -> bytes:
    """Return the only key as it is stored."""
    (row,) = await db.read(lambda tx: tx.all("SELECT sealed FROM lasting_key"))
    stored: bytes = row["sealed"]
    return stored


async def test_key_is_made_once_for_a_purpose(db: Database) -> None:
    """Each start gets the same one, and another purpose another one."""
    keyring = Keyring([OLD])
    keys = {await open_lasting_key(db, keyring, "names") for _ in range(3)}
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert await open_lasting_key(db, keyring, "names") != await open_lasting_key(db, keyring, "other")


async def test_starts_at_the_same_time_get_the_same_key(db: Database) -> None:
    """The first of them makes it."""
    keyring = Keyring([OLD])
    assert len(set(await asyncio.gather(*(open_lasting_key(db, keyring, "names") for _ in range(20))))) == 1


async def test_key_stays_the_same_when_the_secret_keys_are_replaced(db: Database) -> None:
    """One start with both keys encrypts it with the newer one; then the older one can be removed."""
    key = await open_lasting_key(db, Keyring([OLD]), "names")
    before = await sealed(db)
    assert key not in before
    assert await open_lasting_key(db, Keyring([NEW, OLD]), "names") == key
    assert await sealed(db) != before
    assert await open_lasting_key(db, Keyring([NEW]), "names") == key


async def test_key_is_not_replaced_when_its_secret_key_is_missing(db: Database) -> None:
    """The error says what to do, and afterwards everything is as before."""
    key = await open_lasting_key(db, Keyring([OLD]), "names")
    with pytest.raises(KeyFileError, match="add it after the newer ones"):
        await open_lasting_key(db, Keyring([NEW]), "names")
    assert await open_lasting_key(db, Keyring([OLD]), "names") == key
