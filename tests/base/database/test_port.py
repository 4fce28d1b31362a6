"""What both databases promise through the port."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.base.database.things import add, names, stored
from twofold.base.database import Conflict, Database, Transaction
from twofold.base.problems import Unavailable

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Thing:
    """A row as a value."""

    name: str
    size: int | None
    body: bytes | None


async def test_work_that_returns_is_kept(db: Database) -> None:
    """What work returns comes back, and what it wrote is there for the next reader."""

    async def work(tx: Transaction) -> str:
        await add(tx, "a")
        return "done"

    assert await db.write(work) == "done"
    assert await stored(db) == ["a"]


async def test_work_that_raises_is_undone(db: Database) -> None:
    """An exception reaches the caller and takes everything with it that its transaction wrote."""

    async def work(tx: Transaction) -> None:
        await add(tx, "a")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await db.write(work)
    assert await stored(db) == []


async def test_a_taken_name_is_a_conflict(db: Database) -> None:
    """A unique value that is taken raises Conflict, which names the table."""
    await db.write(add, "a")
    with pytest.raises(Conflict) as taken:
        await db.write(add, "a")
    assert taken.value.table == "thing"


async def test_a_failure_that_is_caught_still_undoes_the_transaction(db: Database) -> None:
    """A transaction is never half kept: passing over a failed statement gives the failure back at the end."""

    async def work(tx: Transaction) -> str:
        await add(tx, "b")
        try:
            await add(tx, "a")
        except Conflict:
            return "went on"
        return "no conflict"

    await db.write(add, "a")
    with pytest.raises(Conflict):
        await db.write(work)
    assert await stored(db) == ["a"]


async def test_a_conflict_can_be_asked_for(db: Database) -> None:
    """ON CONFLICT DO NOTHING changes no row and spoils nothing."""

    async def work(tx: Transaction) -> list[int]:
        insert = "INSERT INTO thing (name) VALUES (:name) ON CONFLICT (name) DO NOTHING"
        return [await tx.run(insert, name="a"), await tx.run(insert, name="a")]

    assert await db.write(work) == [1, 0]


async def test_a_mistake_in_a_statement_is_not_called_unavailable(db: Database) -> None:
    """Bad SQL and broken constraints are mistakes of the program and stay visible as such."""
    for statement in ("SELECT nothing FROM nowhere", "INSERT INTO thing (name, part_of) VALUES ('a', 'nobody')"):
        with pytest.raises(Exception) as mistake:  # noqa: PT011 - each driver has its own
            await db.write(lambda tx, sql=statement: tx.run(sql))  # type: ignore[misc]
        assert not isinstance(mistake.value, Unavailable | Conflict)


async def test_a_parameter_without_a_value_is_refused(db: Database) -> None:
    """A forgotten value never becomes NULL."""
    with pytest.raises(Exception, match="name"):
        await db.write(lambda tx: tx.run("INSERT INTO thing (name) VALUES (:name)"))


@pytest.mark.parametrize("size", [0, -1, 2**31, 2**40, 2**63 - 1, -(2**63), None])
async def test_values_come_back_as_they_were(db: Database, size: int | None) -> None:
    """Texts, bytes, NULL and integers of 64 bits survive the way there and back, also into a value class."""
    body = bytes(range(256))
    await db.write(add, "it's :ä \u2028 \U0001f511", size, body)
    row = await db.read(lambda tx: tx.one("SELECT name, size, body FROM thing WHERE body = :body", body=body))
    assert row is not None
    assert Thing(**row) == Thing("it's :ä \u2028 \U0001f511", size, body)


async def test_integers_are_reckoned_in_64_bits(db: Database) -> None:
    """A time after 2038 plus a literal, and an optional filter, need no casts."""
    statement = "SELECT :now + 1 AS next, CASE WHEN :none IS NULL THEN 1 ELSE 0 END AS empty"
    row = await db.read(lambda tx: tx.one(statement, now=2**40, none=""))
    assert row is not None
    assert (row["next"], row["empty"]) == (2**40 + 1, 0)


async def test_rows_changed_are_counted(db: Database) -> None:
    """`run` counts the rows that a statement changed, also with RETURNING, and a definition changes none."""

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


async def test_one_of_fifty_at_once_wins(db: Database) -> None:
    """Look, decide, write under FOR UPDATE: of 50 at the same time exactly one finds the thing unused."""

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


async def test_one_of_fifty_conditional_statements_hits(db: Database) -> None:
    """A conditional statement alone, without a lock before it, also hits exactly once."""
    await db.write(add, "code")
    take = "UPDATE thing SET size = 1 WHERE name = 'code' AND size = 0 RETURNING name"
    rows = await asyncio.gather(*(db.write(lambda tx: tx.one(take)) for _ in range(50)))
    assert len([row for row in rows if row]) == 1


async def test_a_long_read_sees_one_picture(db: Database) -> None:
    """What is written while a listing runs does not show in it."""

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


async def test_work_that_reads_cannot_write(db: Database) -> None:
    """A long read that writes is a mistake of the program, not an outage."""
    with pytest.raises(Exception, match="read") as mistake:
        await db.read_long(add, "a")
    assert not isinstance(mistake.value, Unavailable)
    assert await stored(db) == []


async def test_a_cancelled_caller_harms_nobody(db: Database) -> None:
    """Whoever goes away while waiting leaves the database in order for the others."""
    await asyncio.gather(*(stored(db) for _ in range(40)))
    tasks = [asyncio.create_task(db.write(add, f"{number:02}")) for number in range(40)]
    await asyncio.sleep(0.002)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert set(await stored(db)) >= {f"{number:02}" for number in range(1, 40, 2)}
    await db.write(add, "after")


async def test_a_closed_database_is_unavailable(db: Database) -> None:
    """After closing every door says so, and closing again does nothing."""
    await db.close()
    await db.close()
    for door in (db.read, db.read_long, db.write, db.write_long):
        with pytest.raises(Unavailable):
            await door(names)


async def test_a_transaction_ends_with_its_work(db: Database) -> None:
    """A transaction that was carried out of its work is of no use."""
    kept = []

    async def work(tx: Transaction) -> None:
        kept.append(tx)

    await db.write(work)
    with pytest.raises(RuntimeError, match="over"):
        await add(kept[0], "late")
    assert await stored(db) == []
