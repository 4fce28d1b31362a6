"""Migrate the schema with numbered files, each in one transaction with its row in `schema_version`.

Programs that migrate at the same time wait for each other. A database newer than this program is refused.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from time import time

from twofold.base.database import Database, Dialect, Transaction
from twofold.base.database.statements import split
from twofold.base.problems import Unavailable

PACKAGED = Path(__file__).with_name("migrations")

_MAX_ATTEMPTS = 20
_PAUSE = 1.0  # seconds
# Waiting for a table lock blocks later queries, so keep it short enough that serving nodes only wait as well.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
_LOCK = 0x74776F66  # any unique number: "twof"
_TABLE = {
    "sqlite": "SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'",
    # Not to_regclass(): after the wait for the lock, it would still return the result from before.
    "postgres": "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_version'",
}
_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>\w+)\.sql")


class NewerDatabase(Exception):
    """The database belongs to a newer Twofold; the text says so in one sentence."""

    def __init__(self, current: int, known: int) -> None:
        super().__init__(f"The database has schema version {current}, but this Twofold knows {known}: update Twofold.")
        self.current = current
        self.known = known


class MigrationFailed(Exception):
    """A migration failed and was rolled back; the text says so in one sentence."""

    def __init__(self, step: "Migration", error: Exception) -> None:
        reason = str(error).partition("\n")[0].rstrip(".")
        super().__init__(
            f"Migration {step.version:04}_{step.name} failed and was rolled back; "
            f"the database still has version {step.version - 1}: {reason}."
        )


@dataclass(frozen=True, slots=True)
class Status:
    """The version of the database and that of this program; 0 is an empty database."""

    current: int
    known: int


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration, read from `NNNN_name.sql`."""

    version: int
    name: str
    script: str


async def status(db: Database, folder: Path = PACKAGED) -> Status:
    """Return the version of the database, without changing it. Raise Unavailable."""
    return Status(await db.read(_current, db.dialect), _load(folder)[-1].version)


Finish = Callable[[Transaction], Awaitable[None]]


async def migrate(db: Database, folder: Path = PACKAGED, *, finish: Finish | None = None) -> list[str]:
    """Apply pending migrations and return their names; a failed one leaves the version before it.

    `finish` runs in the transaction of the last one, for changes that SQL cannot make.

    Raise NewerDatabase, MigrationFailed or Unavailable.
    """
    steps = _load(folder)
    known = steps[-1].version
    current = await db.read(_current, db.dialect)
    if current > known:
        raise NewerDatabase(current, known)
    return [step.name for step in steps[current:] if await _apply_with_retries(db, step, known, finish)]


async def _apply_with_retries(db: Database, step: Migration, known: int, finish: Finish | None) -> bool:
    for attempts_left in reversed(range(_MAX_ATTEMPTS if db.dialect == "postgres" else 1)):
        try:
            return await db.write_long(_apply, step, known, db.dialect, finish)
        except NewerDatabase:
            raise
        except Unavailable:
            if not attempts_left:
                raise
            await asyncio.sleep(_PAUSE)
        except Exception as error:
            raise MigrationFailed(step, error) from error
    raise AssertionError


async def _apply(tx: Transaction, step: Migration, known: int, dialect: Dialect, finish: Finish | None) -> bool:
    """Apply a migration, unless another program applied it while we waited for the lock."""
    if dialect == "postgres":  # on SQLite, writes run one at a time anyway
        await tx.run("SELECT pg_advisory_xact_lock(:key)", key=_LOCK)
        await tx.run(_LOCK_TIMEOUT)
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
    if finish is not None and step.version == known:
        await finish(tx)
    return True


async def _current(tx: Transaction, dialect: Dialect) -> int:
    table = await tx.one(_TABLE[dialect])
    row = await tx.one("SELECT coalesce(max(version), 0) AS version FROM schema_version") if table else None
    return int(row["version"]) if row else 0


def _load(folder: Path) -> list[Migration]:
    """Return the migrations in order. Raise ValueError for a missing or repeated number, or another file name."""
    steps = []
    for expected, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        named = _FILE.fullmatch(path.name)
        if named is None or int(named["version"]) != expected:
            raise ValueError(f"migration {path.name} should be number {expected:04}, as in {expected:04}_name.sql")
        steps.append(Migration(expected, named["name"], path.read_text("utf-8")))
    if not steps:
        raise ValueError(f"no migrations in {folder}")
    return steps
