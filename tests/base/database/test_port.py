"""Both databases behave the same through the port."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.support.things import add, names, stored
from twofold.base.database import Database, Transaction, UniqueViolation
from twofold.base.problems import Unavailable

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Thing:
    """A row as a value."""

    name: str
    size: int | None
    body: bytes | None


async def test_transaction_that_returns_is_committed(db: Database) -> None:
    """The result is returned, and the next reader sees what was written."""

    async def work(tx: Transaction) -> str:
        await add(tx, "a")
        return "done"

    assert await db.write(work) == "done"
    assert await stored(db) == ["a"]


async def test_transaction_that_raises_is_rolled_back(db: Database) -> None:
    """The exception reaches the caller, and everything that its transaction wrote is rolled back."""

    async def work(tx: Transaction) -> None:
        await add(tx, "a")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await db.write(work)
    assert await stored(db) == []


async def test_duplicate_unique_value_raises_conflict(db: Database) -> None:
    """A duplicate unique value raises an error that names the table."""
    await db.write(add, "a")
    with pytest.raises(UniqueViolation) as taken:
        await db.write(add, "a")
    assert taken.value.table == "thing"


async def test_transaction_with_a_suppressed_error_is_rolled_back(db: Database) -> None:
    """A suppressed statement error is raised again at the end, so no transaction is half committed."""

    async def work(tx: Transaction) -> str:
        await add(tx, "b")
        try:
            await add(tx, "a")
        except UniqueViolation:
            return "went on"
        return "no conflict"

    await db.write(add, "a")
    with pytest.raises(UniqueViolation):
        await db.write(work)
    assert await stored(db) == ["a"]


async def test_on_conflict_do_nothing_keeps_the_transaction_usable(db: Database) -> None:
    """ON CONFLICT DO NOTHING changes no row, and later statements work."""

    async def work(tx: Transaction) -> list[int]:
        insert = "INSERT INTO thing (name) VALUES (:name) ON CONFLICT (name) DO NOTHING"
        return [await tx.run(insert, name="a"), await tx.run(insert, name="a")]

    assert await db.write(work) == [1, 0]


async def test_invalid_sql_is_not_reported_as_unavailable(db: Database) -> None:
    """Invalid SQL and violated constraints are programming errors, and are raised as such."""
    for statement in ("SELECT nothing FROM nowhere", "INSERT INTO thing (name, part_of) VALUES ('a', 'nobody')"):
        with pytest.raises(Exception) as mistake:  # noqa: PT011 - each driver has its own
            await db.write(lambda tx, sql=statement: tx.run(sql))  # type: ignore[misc]
        assert not isinstance(mistake.value, Unavailable | UniqueViolation)


async def test_parameter_without_a_value_is_refused(db: Database) -> None:
    """A missing value is an error instead of NULL."""
    with pytest.raises(Exception, match="name"):
        await db.write(lambda tx: tx.run("INSERT INTO thing (name) VALUES (:name)"))


@pytest.mark.parametrize("size", [0, -1, 2**31, 2**40, 2**63 - 1, -(2**63), None])
async def test_values_round_trip_through_the_database(db: Database, size: int | None) -> None:
    """Texts, bytes, NULL and 64-bit integers come back unchanged, also in a value class."""
    body = bytes(range(256))
    await db.write(add, "it's :ä \u2028 \U0001f511", size, body)
    row = await db.read(lambda tx: tx.one("SELECT name, size, body FROM thing WHERE body = :body", body=body))
    assert row is not None
    assert Thing(**row) == Thing("it's :ä \u2028 \U0001f511", size, body)


async def test_integer_arithmetic_uses_64_bits(db: Database) -> None:
    """Times after 2038 and optional filters need no casts."""
    statement = "SELECT :now + 1 AS next, CASE WHEN :none IS NULL THEN 1 ELSE 0 END AS empty"
    row = await db.read(lambda tx: tx.one(statement, now=2**40, none=""))
    assert row is not None
    assert (row["next"], row["empty"]) == (2**40 + 1, 0)


async def test_run_returns_the_number_of_changed_rows(db: Database) -> None:
    """`run` counts the changed rows, also with RETURNING; a definition changes none."""

    async def work(tx: Transaction) -> list[int]:
        for name in "abc":
            await add(tx, name)
        return [
            await tx.run("UPDATE thing SET size = 1 WHERE name < :name", name="c"),
            await tx.run("UPDATE thing SET size = 2 WHERE name = :name", name="z"),
            await tx.run("DELETE FROM thing RETURNING name"),
            await tx.run("CREATE TABLE other (name TEXT)"),
        ]

    assert await db.write(work) == [2, 0, 3, 0]


async def test_statements_run_in_the_order_of_their_calls(db: Database) -> None:
    """Replies may be awaited later and in any order; what is not awaited is committed, too."""

    async def work(tx: Transaction) -> tuple[list[str], int]:
        await add(tx, "a")
        tx.later("INSERT INTO thing (name) VALUES ('b')")
        before = tx.all("SELECT name FROM thing ORDER BY name").then(lambda rows: [row["name"] for row in rows])
        changed = tx.run("UPDATE thing SET size = 1")
        tx.later("INSERT INTO thing (name) VALUES ('c')")
        return (await before, await changed)

    for _ in range(2):
        assert await db.write(work) == (["a", "b"], 2)
        assert await stored(db) == ["a", "b", "c"]
        await db.write(lambda tx: tx.run("DELETE FROM thing"))


async def test_failure_of_a_statement_that_is_not_awaited_fails_the_transaction(db: Database) -> None:
    """The next reply or the commit raises it, and everything is rolled back."""

    async def ends(tx: Transaction) -> None:
        tx.later("INSERT INTO thing (name) VALUES ('b')")
        tx.later("INSERT INTO thing (name) VALUES ('a')")

    async def goes_on(tx: Transaction) -> None:
        await ends(tx)
        await tx.one("SELECT name FROM thing")

    await db.write(add, "a")
    for work in (ends, goes_on):
        with pytest.raises(UniqueViolation):
            await db.write(work)
        assert await stored(db) == ["a"]


async def test_one_of_fifty_concurrent_transactions_wins_with_for_update(db: Database) -> None:
    """Of 50 transactions that read, decide and write under FOR UPDATE, exactly one finds the row unused."""

    async def use(tx: Transaction) -> bool:
        row = await tx.one("SELECT size FROM thing WHERE name = :name FOR UPDATE", name="code")
        if row is None or row["size"] != 0:
            return False
        await tx.run("UPDATE thing SET size = 1 WHERE name = :name", name="code")
        return True

    for _ in range(5):
        await db.write(lambda tx: tx.run("DELETE FROM thing"))
        await db.write(add, "code")
        won = await asyncio.gather(*(db.write(use) for _ in range(50)))
        assert won.count(True) == 1


async def test_one_of_fifty_concurrent_conditional_updates_succeeds(db: Database) -> None:
    """A conditional statement without a lock before it also succeeds exactly once."""
    await db.write(add, "code")
    take = "UPDATE thing SET size = 1 WHERE name = 'code' AND size = 0 RETURNING name"
    rows = await asyncio.gather(*(db.write(lambda tx: tx.one(take)) for _ in range(50)))
    assert len([row for row in rows if row]) == 1


async def test_long_read_sees_one_snapshot(db: Database) -> None:
    """Rows written during a long read do not appear in it."""

    async def work(tx: Transaction) -> list[str]:
        before = await names(tx)
        written = asyncio.run_coroutine_threadsafe(db.write(add, "b"), loop)
        if db.dialect == "postgres":
            await asyncio.wrap_future(written)
        else:  # in a thread aside
            written.result()
        assert await names(tx) == before
        return before

    loop = asyncio.get_running_loop()
    await db.write(add, "a")
    assert await db.read_long(work) == ["a"]
    assert await stored(db) == ["a", "b"]


async def test_long_read_cannot_write(db: Database) -> None:
    """A write in a long read is a programming error, not an outage."""
    with pytest.raises(Exception, match="read") as mistake:
        await db.read_long(add, "a")
    assert not isinstance(mistake.value, Unavailable)
    assert await stored(db) == []


async def test_cancelled_caller_leaves_the_database_usable(db: Database) -> None:
    """Cancelling a waiting call does not affect other callers."""
    await asyncio.gather(*(stored(db) for _ in range(40)))
    tasks = [asyncio.create_task(db.write(add, f"{number:02}")) for number in range(40)]
    await asyncio.sleep(0.002)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert set(await stored(db)) >= {f"{number:02}" for number in range(1, 40, 2)}
    await db.write(add, "after")


async def test_closed_database_is_unavailable(db: Database) -> None:
    """Every method raises Unavailable after closing, and closing again does nothing."""
    await db.close()
    await db.close()
    for door in (db.read, db.read_long, db.write, db.write_long):
        with pytest.raises(Unavailable):
            await door(names)


async def test_transaction_is_unusable_after_its_function_returns(db: Database) -> None:
    """A transaction that is used after its function has returned raises an error."""
    kept = []

    async def work(tx: Transaction) -> None:
        kept.append(tx)

    await db.write(work)
    with pytest.raises(RuntimeError, match="ended"):
        await add(kept[0], "late")
    assert await stored(db) == []
