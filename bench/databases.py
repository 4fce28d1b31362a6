"""What a bench runs on: SQLite in its folder, or a PostgreSQL server made for it and thrown away."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import floors
from bench.processes import cpu_of_tree
from tests.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Database:
    """A database: Twofold's settings for it, CPU seconds of its own processes so far, and its rate of bare commits."""

    name: str
    settings: Mapping[str, str]
    cpu: Callable[[], float]
    commits: Callable[[float], float]  # seconds to measure for


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    """SQLite has no process of its own."""
    yield Database(
        f"SQLite {sqlite3.sqlite_version}, synchronous=FULL",
        {},
        cpu=lambda: 0.0,
        commits=lambda seconds: floors.commit_rate(folder, seconds),
    )


@contextmanager
def postgres(_folder: Path) -> Iterator[Database]:
    """A server with the durability that it ships with."""
    with Cluster() as cluster:
        url = cluster.database("bench")
        postmaster = int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
        yield Database(
            f"PostgreSQL {cluster.sql('SHOW server_version').split()[0]}, fsync on",
            {"TWOFOLD_DATABASE_URL": url},
            cpu=lambda: cpu_of_tree(postmaster),
            commits=lambda seconds: asyncio.run(floors.commit_rate_postgres(url, seconds)),
        )
