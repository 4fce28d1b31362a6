"""What `doctor` asks the database: are its promises of durability switched on, and does its clock agree with ours."""

import sqlite3
from time import time
from typing import Literal, NamedTuple

from twofold.base.database import Database, Transaction

MOST_SKEW = 5  # seconds that our clock may differ from the database's
_SAFE_ENGINE = (3, 51, 3)  # earlier ones can corrupt the file when two connections write and checkpoint at once


class Check(NamedTuple):
    """One finding; `weight` says what it means when it is not `ok`."""

    name: str
    value: str
    ok: bool
    weight: Literal["warn", "fail"]


async def durability(db: Database) -> list[Check]:
    """Ask for the settings that make an answered write survive a power cut. Raises Unavailable."""
    if db.dialect == "postgres":
        return await db.read(_postgres)
    engine = Check("sqlite version", sqlite3.sqlite_version, sqlite3.sqlite_version_info >= _SAFE_ENGINE, "warn")
    return [*await db.write(_sqlite), engine]


async def clock_skew(db: Database) -> float:
    """Give how many seconds the database's clock is ahead of ours; SQLite has none of its own. Raises Unavailable."""
    if db.dialect == "sqlite":
        return 0.0
    return await db.read(_skew)


async def _sqlite(tx: Transaction) -> list[Check]:
    # Asked of the writer's own connection: these settings are each connection's own.
    wanted = {"journal_mode": ("wal", "wal"), "synchronous": (2, "full"), "foreign_keys": (1, "on")}
    checks = []
    for name, (value, word) in wanted.items():
        row = await tx.one(f"PRAGMA {name}")
        found = row[name] if row else None
        checks.append(Check(name, word if found == value else str(found), found == value, "fail"))
    return checks


async def _postgres(tx: Transaction) -> list[Check]:
    rows = await tx.all(
        "SELECT name, setting FROM pg_settings"
        " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
    )
    return [Check(row["name"], row["setting"], row["setting"] not in {"off", "local"}, "fail") for row in rows]


async def _skew(tx: Transaction) -> float:
    before = time()  # there is a connection by now
    row = await tx.one("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS now")
    theirs = int(row["now"]) / 1e6 if row else 0.0
    return theirs - min(max(theirs, before), time())  # between question and answer nothing is proven
