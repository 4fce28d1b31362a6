"""The databases of a benchmark: SQLite in a folder, or a database on a temporary PostgreSQL server."""

# ruff: noqa: D102 - the protocol documents the methods

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeAlias

import asyncpg  # type: ignore[import-untyped]

from bench import baselines
from bench.processes import cpu_of_tree
from tests.support.cluster import Cluster

HERE = Path(__file__).parent
_COUNT = 'SELECT count(*) FROM "{}"'

Table: TypeAlias = tuple[Sequence[str], Sequence[tuple[object, ...]]]  # columns and rows


class Database(Protocol):
    """A database of Twofold, with the direct access that a benchmark needs."""

    @property
    def folder(self) -> Path:
        """The folder for Twofold's data and the files of the benchmark."""

    @property
    def name(self) -> str:
        """The product and its version."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that Twofold needs for it."""

    @property
    def is_embedded(self) -> bool:
        """Whether it runs within Twofold's process."""

    def cpu(self) -> float:
        """Return the CPU seconds of the database's own processes so far."""

    def bytes_used(self, table: str | None = None) -> int:
        """Return the size of a table, or of all tables, with indexes."""

    async def rows(self) -> Mapping[str, int]:
        """Return the number of rows of each table."""

    async def commit_rate(self, seconds: float) -> float:
        """Return the rate of sequential bare durable commits a second."""

    async def fill(self, tables: Mapping[str, Table]) -> None:
        """Insert many rows quickly, without durability."""

    async def settle(self) -> None:
        """Do the maintenance that the database would do later, after many inserts."""

    async def run(self, *statements: str) -> None:
        """Run statements in one transaction."""


@dataclass(frozen=True, slots=True)
class Sqlite:
    """SQLite has no process of its own."""

    folder: Path
    is_embedded = True

    @property
    def name(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}, synchronous=FULL"

    @property
    def settings(self) -> Mapping[str, str]:
        return {"TWOFOLD_DATA_DIR": str(self.folder)}

    def cpu(self) -> float:
        return 0.0

    def bytes_used(self, table: str | None = None) -> int:
        of_table = "SELECT sum(pgsize) FROM dbstat('main', 1) JOIN sqlite_schema USING (name)"
        with self._open() as connection:
            return int(connection.execute(f"{of_table} WHERE tbl_name = coalesce(?, tbl_name)", (table,)).fetchone()[0])

    async def rows(self) -> Mapping[str, int]:
        with self._open() as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {table: connection.execute(_COUNT.format(table)).fetchone()[0] for table in tables}

    async def commit_rate(self, seconds: float) -> float:
        return baselines.commit_rate(self.folder, seconds)

    async def fill(self, tables: Mapping[str, Table]) -> None:
        with self._open() as connection:
            for table, (columns, rows) in tables.items():
                places = ", ".join("?" * len(columns))
                statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own names
                connection.executemany(statement, rows)

    async def settle(self) -> None:
        """Do nothing: SQLite has no background maintenance."""

    async def run(self, *statements: str) -> None:
        with self._open() as connection:
            for statement in statements:
                connection.execute(statement)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.folder / "twofold.db", timeout=30)) as connection, connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # while Twofold serves, its writer does this
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -1000000")
            yield connection


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database on a server with default durability."""

    cluster: Cluster
    folder: Path
    url: str
    is_embedded = False

    @property
    def name(self) -> str:
        return f"PostgreSQL {self.cluster.sql('SHOW server_version').split()[0]}, fsync on"

    @property
    def settings(self) -> Mapping[str, str]:
        return {"TWOFOLD_DATA_DIR": str(self.folder), "TWOFOLD_DATABASE_URL": self.url}

    def cpu(self) -> float:
        return cpu_of_tree(int((self.cluster.folder / "data" / "postmaster.pid").read_text().split()[0]))

    def bytes_used(self, table: str | None = None) -> int:
        size = f"pg_total_relation_size('{table}')" if table else "pg_database_size(current_database())"
        return int(self.cluster.sql(f"SELECT {size}", self.url.rpartition("/")[2]))

    async def rows(self) -> Mapping[str, int]:
        async with self._open() as connection:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            return {table: await connection.fetchval(_COUNT.format(table)) for (table,) in tables}

    async def commit_rate(self, seconds: float) -> float:
        return await baselines.commit_rate_postgres(self.url, seconds)

    async def fill(self, tables: Mapping[str, Table]) -> None:
        async with self._open() as connection:
            for table, (columns, rows) in tables.items():
                await connection.copy_records_to_table(table, columns=columns, records=rows)

    async def settle(self) -> None:
        self.cluster.sql("VACUUM ANALYZE", self.url.rpartition("/")[2])
        self.cluster.sql("CHECKPOINT")

    async def run(self, *statements: str) -> None:
        async with self._open() as connection:
            for statement in statements:
                await connection.execute(statement)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                yield connection
        finally:
            await connection.close()


@contextmanager
def opened(*, postgres: bool) -> Iterator[Callable[[str], Database]]:
    """Yield a function that creates an empty database by name. All of them are deleted at the end."""
    # Not in a temporary folder: that may be in memory, where a commit costs nothing.
    with TemporaryDirectory(prefix="data-", dir=HERE) as place, ExitStack() as stack:
        cluster = stack.enter_context(Cluster()) if postgres else None

        def make(name: str) -> Database:
            folder = Path(place) / name
            folder.mkdir()
            return Postgres(cluster, folder, cluster.database(name)) if cluster else Sqlite(folder)

        yield make
