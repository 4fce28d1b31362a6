"""Brings the schema forward: numbered files, each in one transaction with its row in `schema_version`.

Two programs that migrate at the same time wait for each other; a database newer than this program is refused.
"""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from time import time

from twofold.base.database import Database, Dialect, Transaction
from twofold.base.database.statements import split
from twofold.base.problems import Unavailable

PACKAGED = Path(__file__).with_name("migrations")

_TRIES = 20
_PAUSE = 1.0  # seconds
# Whoever waits for a table keeps out all who come after: briefly enough that the nodes that serve only wait, too.
_BRIEFLY = "SET LOCAL lock_timeout = '2s'"
_LOCK = 0x74776F66  # any number that nobody else takes: "twof"
_TABLE = {
    "sqlite": "SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'",
    # Not by to_regclass(): after the wait for the lock it would still answer from before.
    "postgres": "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_version'",
}
_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>\w+)\.sql")


class NewerDatabase(Exception):
    """A newer Twofold has written this database; its text says so in one sentence."""

    def __init__(self, current: int, known: int) -> None:
        super().__init__(
            f"The database has schema version {current}, this Twofold knows {known}: use the newer Twofold again."
        )
        self.current = current
        self.known = known


class MigrationFailed(Exception):
    """A step could not be taken and was undone; its text says so in one sentence."""

    def __init__(self, step: "Migration", error: Exception) -> None:
        reason = str(error).partition("\n")[0].rstrip(".")
        super().__init__(
            f"Migration {step.version:04}_{step.name} failed and was undone, "
            f"the database still has version {step.version - 1}: {reason}."
        )


@dataclass(frozen=True, slots=True)
class Status:
    """The version that the database has and the one that this program brings; 0 is an empty database."""

    current: int
    known: int


@dataclass(frozen=True, slots=True)
class Migration:
    """One step forward, read from `NNNN_name.sql`."""

    version: int
    name: str
    script: str


async def status(db: Database, folder: Path = PACKAGED) -> Status:
    """Say where the database stands, without changing it. Raises Unavailable."""
    return Status(await db.read(_current, db.dialect), _load(folder)[-1].version)


async def migrate(db: Database, folder: Path = PACKAGED) -> list[str]:
    """Take the steps that are missing and name them; a step that breaks off leaves the version before it.

    Raises NewerDatabase, MigrationFailed, Unavailable.
    """
    steps = _load(folder)
    known = steps[-1].version
    current = await db.read(_current, db.dialect)
    if current > known:
        raise NewerDatabase(current, known)
    return [step.name for step in steps[current:] if await _taken(db, step, known)]


async def _taken(db: Database, step: Migration, known: int) -> bool:
    for left in reversed(range(_TRIES if db.dialect == "postgres" else 1)):
        try:
            return await db.write_long(_take, step, known, db.dialect)
        except NewerDatabase:
            raise
        except Unavailable:
            if not left:
                raise
            await asyncio.sleep(_PAUSE)
        except Exception as error:
            raise MigrationFailed(step, error) from error
    raise AssertionError


async def _take(tx: Transaction, step: Migration, known: int, dialect: Dialect) -> bool:
    """Take one step, unless somebody else has taken it while we waited for the lock."""
    if dialect == "postgres":  # on SQLite every write has waited for its turn
        await tx.run("SELECT pg_advisory_xact_lock(:key)", key=_LOCK)
        await tx.run(_BRIEFLY)
    current = await _current(tx, dialect)
    if current > known:
        raise NewerDatabase(current, known)
    if current >= step.version:
        return False
    await tx.run(
        "CREATE TABLE IF NOT EXISTS schema_version"
        " (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)"
    )
    for statement in split(step.script, dialect):
        await tx.run(statement)
    await tx.run(
        "INSERT INTO schema_version (version, name, applied_at) VALUES (:version, :name, :at)",
        version=step.version,
        name=step.name,
        at=int(time()),
    )
    return True


async def _current(tx: Transaction, dialect: Dialect) -> int:
    table = await tx.one(_TABLE[dialect])
    row = await tx.one("SELECT coalesce(max(version), 0) AS version FROM schema_version") if table else None
    return int(row["version"]) if row else 0


def _load(folder: Path) -> list[Migration]:
    """Read the steps in order. Raises ValueError if a number is missing or doubled, or a file is named otherwise."""
    steps = []
    for expected, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        named = _FILE.fullmatch(path.name)
        if named is None or int(named["version"]) != expected:
            raise ValueError(f"migration {path.name} should be number {expected:04}, as in {expected:04}_name.sql")
        steps.append(Migration(expected, named["name"], path.read_text("utf-8")))
    if not steps:
        raise ValueError(f"no migrations in {folder}")
    return steps
