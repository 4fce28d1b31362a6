"""Migrations are applied in order, each completely or not at all."""

import asyncio
from pathlib import Path

import pytest

from tests.support.things import add, names
from twofold.base.database import Database, open_database
from twofold.base.database.migrate import PACKAGED, NewerDatabase, Status, migrate, status

pytestmark = pytest.mark.anyio

FIRST = """
CREATE TABLE part (
    name TEXT, -- with; a comment
    note TEXT DEFAULT 'a;b'
);
CREATE INDEX part_name ON part (name);
"""
BROKEN = "INSERT INTO nowhere VALUES (1);"
SECOND = "ALTER TABLE part ADD COLUMN size BIGINT; INSERT INTO part (name, size) VALUES ('old', 1);"


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """Return a folder with two migrations."""
    folder = tmp_path / "steps"
    folder.mkdir()
    (folder / "0001_first.sql").write_text(FIRST)
    (folder / "0002_second.sql").write_text(SECOND)
    return folder


async def test_missing_migrations_are_applied_once(db: Database, steps: Path) -> None:
    """An empty database gets all steps in order, and a current one none."""
    assert await status(db, steps) == Status(current=0, known=2)
    assert await migrate(db, steps) == ["first", "second"]
    assert await status(db, steps) == Status(current=2, known=2)
    assert await migrate(db, steps) == []
    rows = await db.read_long(lambda tx: tx.all("SELECT version, name FROM schema_version ORDER BY version"))
    assert [(row["version"], row["name"]) for row in rows] == [(1, "first"), (2, "second")]


async def test_failed_migration_leaves_the_previous_version(db: Database, steps: Path) -> None:
    """The failed step is rolled back, and the corrected step can be applied."""
    (steps / "0002_second.sql").write_text(SECOND + BROKEN)
    with pytest.raises(Exception, match="nowhere"):
        await migrate(db, steps)
    assert await status(db, steps) == Status(current=1, known=2)
    (steps / "0002_second.sql").write_text(SECOND)
    assert await migrate(db, steps) == ["second"]


async def test_newer_database_refuses_an_older_program(db: Database, steps: Path) -> None:
    """An older program changes nothing, and says why in one sentence."""
    await migrate(db, steps)
    (steps / "0002_second.sql").unlink()
    with pytest.raises(NewerDatabase, match="schema version 2, but this Twofold knows 1"):
        await migrate(db, steps)
    assert await status(db, steps) == Status(current=2, known=1)


async def test_concurrent_migrations_apply_each_step_once(database_url: str, steps: Path) -> None:
    """Several processes that start together apply each step once, and all end at the newest version."""
    opened = [await open_database(database_url, serving=False) for _ in range(4)]
    taken = await asyncio.gather(*(migrate(db, steps) for db in opened))
    assert sorted(step for steps_taken in taken for step in steps_taken) == ["first", "second"]
    for db in opened:
        await db.close()


async def test_gap_in_the_migration_numbers_is_refused(db: Database, steps: Path) -> None:
    """A missing number or a misnamed file is reported before anything is changed."""
    (steps / "0002_second.sql").rename(steps / "0003_second.sql")
    with pytest.raises(ValueError, match="number 0002"):
        await migrate(db, steps)


async def test_packaged_migrations_work_on_both_databases(database_url: str) -> None:
    """The same SQL creates the shipped schema on both."""
    db = await open_database(database_url, serving=False)
    await migrate(db)
    assert (await status(db)).current == len(list(PACKAGED.glob("*.sql")))
    await db.close()


async def test_prepared_statements_survive_a_schema_change(db: Database, steps: Path) -> None:
    """Statements prepared before a migration still work after it."""
    await db.write(add, "a")
    assert await db.write(names) == ["a"]
    (steps / "0001_first.sql").write_text("ALTER TABLE thing ADD COLUMN colour TEXT;")
    (steps / "0002_second.sql").unlink()
    before = await db.write(lambda tx: tx.one("SELECT * FROM thing"))
    await migrate(db, steps)
    after = await db.write(lambda tx: tx.one("SELECT * FROM thing"))
    assert before is not None
    assert after is not None
    assert set(after.keys()) - set(before.keys()) == {"colour"}
