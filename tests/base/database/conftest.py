"""A database with one small table, for the tests of the port."""

from collections.abc import AsyncIterator

import pytest

from twofold.base.database import Database, Transaction, open_database


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """Yield an open database with the table `thing`."""
    opened = await open_database(database_url, serving=True)
    await opened.write(_make_table)
    yield opened
    await opened.close()


async def _make_table(tx: Transaction) -> None:
    await tx.run(
        "CREATE TABLE thing (name TEXT PRIMARY KEY, size BIGINT, body BYTEA,"
        " part_of TEXT REFERENCES thing (name) DEFERRABLE INITIALLY IMMEDIATE)"
    )
