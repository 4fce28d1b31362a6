"""The database checks of `doctor`: durability settings and clock skew."""

import sqlite3
from time import time
from typing import Literal, NamedTuple

from twofold.base.database import Database, Transaction

MAX_DATABASE_SKEW = 5  # seconds between our clock and the database's
_SAFE_ENGINE = (3, 51, 3)  # earlier versions can corrupt the file if two connections write and checkpoint at once


class Check(NamedTuple):
    """One result; `severity` applies if it is not `ok`."""

    name: str
    value: str
    ok: bool
    severity: Literal["warn", "fail"]


async def durability(db: Database) -> list[Check]:
    """Return the settings that make a confirmed write survive a power cut. Raise Unavailable."""
    if db.dialect == "postgres":
        return await db.read(_postgres)
    engine = Check("sqlite version", sqlite3.sqlite_version, sqlite3.sqlite_version_info >= _SAFE_ENGINE, "warn")
    return [*await db.write(_sqlite), engine]


async def clock_skew(db: Database) -> float:
    """Return how many seconds the database's clock is ahead of ours (0 for SQLite). Raise Unavailable."""
    if db.dialect == "sqlite":
        return 0.0
    return await db.read(_skew)


async def _sqlite(tx: Transaction) -> list[Check]:
    # These settings are per connection, so the writer's own must be checked.
    wanted = {"journal_mode": ("wal", "wal"), "synchronous": (2, "full"), "foreign_keys": (1, "on")}
    checks = []
    for name, (value, word) in wanted.items():
        row = await tx.one(f"PRAGMA {name}")
        actual = row[name] if row else None
        checks.append(Check(name, word if actual == value else str(actual), actual == value, "fail"))
    return checks


async def _postgres(tx: Transaction) -> list[Check]:
    rows = await tx.all(
        "SELECT name, setting FROM pg_settings"
        " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
    )
    return [Check(row["name"], row["setting"], row["setting"] not in {"off", "local"}, "fail") for row in rows]


async def _skew(tx: Transaction) -> float:
    before = time()  # measured after the connection is open
    row = await tx.one("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS now")
    database_time = int(row["now"]) / 1e6 if row else 0.0
    return database_time - min(max(database_time, before), time())  # the query's own duration counts as no skew
