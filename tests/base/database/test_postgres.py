"""The port handles a PostgreSQL server that goes away, hangs or deadlocks."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster
from tests.support.things import add, stored
from twofold.base.database import CannotOpen, Database, Transaction, open_database
from twofold.base.database.checks import clock_skew, durability
from twofold.base.problems import Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Yield a server for this file alone, since its tests break it."""
    with Cluster() as running:
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> str:
    """Use PostgreSQL only."""
    return cluster.database()


async def healed(db: Database, within: float = 10) -> None:
    """Wait until the database answers again."""
    deadline = time.monotonic() + within
    while True:
        try:
            await stored(db)
        except Unavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            return


@pytest.mark.parametrize("end", ["restart", "kill"])
async def test_postgres_is_used_again_after_an_outage(db: Database, cluster: Cluster, end: str) -> None:
    """During an outage everything raises Unavailable; afterwards it works again, and confirmed writes are there."""
    kept: list[str] = []
    stop = asyncio.Event()

    async def load(worker: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                await db.write(add, f"{worker}-{number}")
            except Unavailable:
                await asyncio.sleep(0.02)
            else:
                kept.append(f"{worker}-{number}")

    loads = [asyncio.create_task(load(worker)) for worker in range(6)]
    await asyncio.sleep(0.3)
    if end == "kill":
        await asyncio.to_thread(cluster.kill)
        await asyncio.to_thread(cluster.start)
    else:
        await asyncio.to_thread(cluster.restart)
    await healed(db)
    before = len(kept)
    await asyncio.sleep(0.3)
    stop.set()
    await asyncio.gather(*loads)
    assert len(kept) > before > 0
    assert set(kept) <= set(await stored(db))


async def test_unresponsive_postgres_is_abandoned_after_the_limit(
    database_url: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call waits longer than the limit for a server that does not respond."""
    monkeypatch.setattr("twofold.base.database.postgres.MAX_WAIT", 0.5)
    db = await open_database(database_url, serving=True)
    await db.write(lambda tx: tx.run("CREATE TABLE thing (name TEXT)"))
    started = time.monotonic()
    cluster.pause()
    try:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await stored(db)
        assert time.monotonic() - started < 4
    finally:
        cluster.resume()
    await healed(db)
    await db.close()


async def test_deadlocked_transaction_is_retried(db: Database) -> None:
    """Two transactions that wait for each other both succeed, since the one rolled back is retried."""
    met = asyncio.Barrier(2)
    tries = 0

    async def swap(tx: Transaction, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        await tx.run("UPDATE thing SET size = size + 1 WHERE name = :name", name=first)
        if tries <= 2:
            await met.wait()
        await tx.run("UPDATE thing SET size = size + 1 WHERE name = :name", name=second)

    await db.write(add, "a")
    await db.write(add, "b")
    await asyncio.gather(db.write(swap, "a", "b"), db.write(swap, "b", "a"))
    assert tries == 3
    rows = await db.read(lambda tx: tx.all("SELECT size FROM thing"))
    assert [row["size"] for row in rows] == [2, 2]


async def test_connection_lost_at_commit_is_unavailable(db: Database) -> None:
    """Whether the commit arrived is unknown, so it is not reported as success."""

    async def cut(tx: Transaction) -> None:
        await add(tx, "a")
        row = await tx.one("SELECT pg_backend_pid() AS process")
        assert row is not None
        await db.write(lambda other: other.one("SELECT pg_terminate_backend(CAST(:p AS INT))", p=row["process"]))

    with pytest.raises(Unavailable):
        await db.write(cut)
    assert await stored(db) == []


async def test_lock_timeout_is_unavailable(db: Database) -> None:
    """A statement that waits too long for a row is cancelled, and the row is free afterwards."""
    await db.write(add, "a")
    held = asyncio.Event()
    go = asyncio.Event()
    touch = "UPDATE thing SET size = size + 1 WHERE name = 'a'"

    async def hold(tx: Transaction) -> None:
        await tx.run(touch)
        held.set()
        await go.wait()

    async def impatient(tx: Transaction) -> None:
        await tx.run("SET LOCAL lock_timeout = '50ms'")
        await tx.run(touch)

    holder = asyncio.create_task(db.write(hold))
    await held.wait()
    with pytest.raises(Unavailable):
        await db.write(impatient)
    go.set()
    await holder
    await db.write(impatient)


async def test_read_only_postgres_is_unavailable_for_writes(db: Database, database_url: str, cluster: Cluster) -> None:
    """Writes raise Unavailable, and work again when the server is writable."""
    name = database_url.rpartition("/")[2]
    cluster.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    fresh = await open_database(database_url, serving=True)
    with pytest.raises(Unavailable):
        await fresh.write(add, "a")
    cluster.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await fresh.write(add, "b")
    assert await stored(db) == ["b"]
    await fresh.close()


async def test_cancelled_transactions_return_their_connections(db: Database) -> None:
    """After many cancelled transactions, the whole pool is available, and no transaction is left open."""
    await asyncio.gather(*(stored(db) for _ in range(40)))
    for delay in (0.0, 0.001, 0.002, 0.004):
        tasks = [asyncio.create_task(db.write(add, f"{delay}-{number}")) for number in range(40)]
        await asyncio.sleep(delay)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(stored(db) for _ in range(40)))
    left = "SELECT count(*) AS open FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    row = await db.read(lambda tx: tx.one(left))
    assert row is not None
    assert row["open"] == 0


async def test_failed_connection_is_reported_without_the_password(cluster: Cluster) -> None:
    """The error names the server and the reason, without the password."""
    for address in (
        "postgresql://ann:s3cret@127.0.0.1:1/things",
        f"postgresql://ann:s3cret@127.0.0.1:{cluster.port}/things",
        "postgresql://ann:s3cret@127.0.0.1:1,localhost:1/things?target_session_attrs=read-write",
        "postgresql://ann:s3cret/s3cret@127.0.0.1:1/things",
        "postgresql://ann:s3cret@127.0.0.1:1/things?target_session_attrs=s3cret",
    ):
        with pytest.raises(CannotOpen) as refused:
            await open_database(address, serving=True)
        assert "s3cret" not in str(refused.value)
        assert "127.0.0.1" in str(refused.value) or "The postgresql:// address" in str(refused.value)


async def test_durability_settings_of_postgres_are_checked(db: Database) -> None:
    """The three durability settings are on, and the clocks agree."""
    found = {check.name: (check.value, check.ok) for check in await durability(db)}
    assert found == dict.fromkeys(["fsync", "full_page_writes", "synchronous_commit"], ("on", True))
    assert abs(await clock_skew(db)) < 0.5


async def test_wait_for_a_connection_does_not_count_as_clock_skew(database_url: str) -> None:
    """The clocks agree however long the connection takes."""
    db = await open_database(database_url, serving=True, connections=1)
    busy = asyncio.create_task(db.read(lambda tx: tx.one("SELECT pg_sleep(2)")))
    await asyncio.sleep(0.1)
    assert abs(await clock_skew(db)) < 0.5
    await busy
    await db.close()


async def test_unresponsive_host_does_not_hide_the_next_one(database_url: str, cluster: Cluster) -> None:
    """Each server of an address gets its share of the time, and the one that answered last is asked first."""
    with Cluster() as mute:
        mute.pause()
        url = database_url.replace(f"127.0.0.1:{cluster.port}", f"127.0.0.1:{mute.port},127.0.0.1:{cluster.port}")
        db = await open_database(url, serving=True)
        asked = time.monotonic()
        await asyncio.gather(*(db.read(lambda tx: tx.one("SELECT pg_sleep(0.05)")) for _ in range(4)))
        assert time.monotonic() - asked < 1.5  # three of them on new connections; the mute one would take two seconds
        await db.close()


async def test_pool_never_exceeds_its_limit_of_connections(database_url: str) -> None:
    """Calls wait while all connections are in use."""
    db = await open_database(database_url, serving=True, connections=2)
    slow = "SELECT pg_sleep(0.1)"
    open_now = "SELECT count(*) AS open FROM pg_stat_activity WHERE application_name = 'twofold' AND state = 'active'"
    reads = [db.read(lambda tx: tx.one(slow)) for _ in range(6)]
    counted = [db.read(lambda tx: tx.one(open_now)) for _ in range(3)]
    rows = (await asyncio.gather(*reads, *counted))[6:]
    assert max(row["open"] for row in rows if row is not None) <= 2
    await db.close()
