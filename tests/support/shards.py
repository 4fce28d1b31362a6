"""How a distributed PostgreSQL would route a statement, simulated by one server with hash-partitioned tables.

Each partition represents a shard. PostgreSQL's own plans show which partitions a statement reads.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest

from twofold.base.database import Value
from twofold.base.database.postgres_transaction import PostgresTransaction
from twofold.base.database.sqlite_engine import SqliteTransaction
from twofold.base.database.statements import for_postgres

PARTS = 8
Statements = dict[str, Mapping[str, Value]]  # SQL text to the parameters of its last run


@contextmanager
def listening() -> Iterator[Statements]:
    """Record every statement that either driver runs until the end of the block."""
    heard: Statements = {}
    with pytest.MonkeyPatch.context() as patch:
        for driver in (SqliteTransaction, PostgresTransaction):
            for name in ("one", "all", "run", "later", "lock"):
                patch.setattr(driver, name, _noting(heard, getattr(driver, name)))
        yield heard


def _noting(heard: Statements, real: Any) -> Any:  # noqa: ANN401 - one of their methods
    def noting(self: object, sql: str, /, **params: Value) -> Any:  # noqa: ANN401 - whatever the real one gives
        heard[sql] = params
        return real(self, sql, **params)

    return noting


class Shards:
    """Copies of a database with partitioned tables."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        self.connection = connection

    async def cut(self, schema: str, keys: Mapping[str, str]) -> None:
        """Create copies of tables, each partitioned by one of its columns."""
        await self.connection.execute(f"CREATE SCHEMA {schema}")
        for table, key in keys.items():
            whole = f"{schema}.{table}"
            await self.connection.execute(
                f"CREATE TABLE {whole} (LIKE public.{table} INCLUDING DEFAULTS) PARTITION BY HASH ({key})"
            )
            for part in range(PARTS):
                bounds = f"FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part})"
                await self.connection.execute(f"CREATE TABLE {whole}__{part} PARTITION OF {whole} {bounds}")
            for unique in await self.unique_keys(table):
                if key in unique:  # other indexes cannot be unique across shards either
                    await self.connection.execute(f"CREATE UNIQUE INDEX ON {whole} ({', '.join(unique)})")
            await self.connection.execute(f"CREATE INDEX ON {whole} ({key})")
            await self.connection.execute(f"INSERT INTO {whole} SELECT * FROM public.{table}")  # noqa: S608 - our names

    async def unique_keys(self, table: str) -> list[list[str]]:
        """Return the columns of each unique index of a table."""
        rows = await self.connection.fetch(
            "SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names FROM pg_index i JOIN pg_attribute a"
            " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
            " WHERE i.indisunique AND i.indrelid = $1::regclass GROUP BY i.indexrelid",
            f"public.{table}",
        )
        return [row["names"] for row in rows]

    async def touched(self, schema: str, sql: str, params: Mapping[str, Value]) -> set[tuple[str, str]]:
        """Return the tables and partitions that a statement reads; its changes are rolled back."""
        text, values = for_postgres(sql, params)
        try:
            async with undone(self.connection):
                await self.connection.execute(f"SET LOCAL search_path = {schema}")
                answer = await self.connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *values)
        except asyncpg.UniqueViolationError:
            return set()  # the row that it adds exists already, in one partition
        return set(_parts(json.loads(answer)[0]["Plan"]))


@asynccontextmanager
async def undone(connection: Any) -> Any:  # noqa: ANN401 - asyncpg has no types
    """Run a statement in a transaction that is always rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


def _parts(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every partition that a plan has read."""
    table, cut, part = plan.get("Relation Name", "").rpartition("__")
    if cut and plan["Node Type"] != "ModifyTable" and plan["Actual Loops"]:
        yield table, part
    for below in plan.get("Plans", ()):
        yield from _parts(below)
