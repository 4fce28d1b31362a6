"""The schema goes forward step by step, and never half a step."""

import asyncio
from pathlib import Path

import pytest

from tests.base.database.things import add, names
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
    """A folder with two migrations."""
    folder = tmp_path / "steps"
    folder.mkdir()
    (folder / "0001_first.sql").write_text(FIRST)
    (folder / "0002_second.sql").write_text(SECOND)
    return folder


async def test_missing_steps_are_taken_once(db: Database, steps: Path) -> None:
    """An empty database gets all steps in order, a current one none."""
    assert await status(db, steps) == Status(current=0, known=2)
    assert await migrate(db, steps) == ["first", "second"]
    assert await status(db, steps) == Status(current=2, known=2)
    assert await migrate(db, steps) == []
    rows = await db.read_long(lambda tx: tx.all("SELECT version, name FROM schema_version ORDER BY version"))
    assert [(row["version"], row["name"]) for row in rows] == [(1, "first"), (2, "second")]


async def test_a_step_that_breaks_off_leaves_the_version_before_it(db: Database, steps: Path) -> None:
    """A faulty step undoes what it began; mended, it is taken as if nothing had happened."""
    (steps / "0002_second.sql").write_text(SECOND + BROKEN)
    with pytest.raises(Exception, match="nowhere"):
        await migrate(db, steps)
    assert await status(db, steps) == Status(current=1, known=2)
    (steps / "0002_second.sql").write_text(SECOND)
    assert await migrate(db, steps) == ["second"]


async def test_a_newer_database_is_refused(db: Database, steps: Path) -> None:
    """An older program does not touch what a newer one has written, and says why in one sentence."""
    await migrate(db, steps)
    (steps / "0002_second.sql").unlink()
    with pytest.raises(NewerDatabase, match="schema version 2, this Twofold knows 1"):
        await migrate(db, steps)
    assert await status(db, steps) == Status(current=2, known=1)


async def test_programs_that_migrate_at_once_take_turns(database_url: str, steps: Path) -> None:
    """Of several that start together each step is taken by one, and all end at the newest version."""
    opened = [await open_database(database_url, serving=False) for _ in range(4)]
    taken = await asyncio.gather(*(migrate(db, steps) for db in opened))
    assert sorted(step for steps_taken in taken for step in steps_taken) == ["first", "second"]
    for db in opened:
        await db.close()


async def test_a_gap_in_the_numbers_is_refused(db: Database, steps: Path) -> None:
    """A number left out or a file misnamed is found before anything is changed."""
    (steps / "0002_second.sql").rename(steps / "0003_second.sql")
    with pytest.raises(ValueError, match="number 0002"):
        await migrate(db, steps)


async def test_the_packaged_steps_fit_both_databases(database_url: str) -> None:
    """The schema that Twofold ships can be made on both, from one text."""
    db = await open_database(database_url, serving=False)
    await migrate(db)
    assert (await status(db)).current == len(list(PACKAGED.glob("*.sql")))
    await db.close()


async def test_statements_outlive_a_change_of_the_schema(db: Database, steps: Path) -> None:
    """Work whose statements were prepared before a migration goes on working after it."""
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
