"""Expired rows are purged in small batches, by one process at a time, by an index, while requests are served."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.nodes.conftest import shared
from tests.support.clients import PASSWORD
from tests.support.cluster import Cluster
from tests.support.in_process import LocalApp, in_process
from twofold.base.database import Row, Transaction, Value
from twofold.base.housekeeping import BATCH, Expiry, purge
from twofold.base.site import Site
from twofold.features import FEATURES

pytestmark = pytest.mark.anyio

EXPIRED, LIVING = 20_000, 20_000
SESSIONS = """
    INSERT INTO session (token_hash, id, account_id, name, source, methods, signed_in_at, last_used_at, expires_at,
                         unlocked_until)
    SELECT sha256(n::text::bytea), n::text, (SELECT id FROM account WHERE email = 'bob@example.com'),
           '', '', 'password', 0, 0, CASE WHEN n <= {expired} THEN 1700000000 ELSE 1900000000 END, 0
    FROM generate_series(1, {all}) n
"""
# Records each batch of Bob's sessions, and when its transaction was under way.
WATCH = """
    CREATE TABLE batch (gone BIGINT, during TSTZRANGE);
    CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE begun TIMESTAMPTZ := clock_timestamp();
    BEGIN
        IF NOT EXISTS (SELECT FROM gone WHERE signed_in_at = 0) THEN RETURN NULL; END IF;
        PERFORM pg_sleep(0.002);
        INSERT INTO batch SELECT count(*), tstzrange(begun, clock_timestamp()) FROM gone;
        RETURN NULL;
    END $$;
    CREATE TRIGGER watch AFTER DELETE ON session REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION watch()
"""


@pytest.fixture
async def nodes(cluster: Cluster, tmp_path: Path) -> AsyncIterator[tuple[LocalApp, LocalApp]]:
    """Yield two nodes on one PostgreSQL."""
    settings = shared(database_url=cluster.database())
    async with in_process(tmp_path / "one", **settings) as one, in_process(tmp_path / "other", **settings) as other:
        yield one, other


def site_of(node: LocalApp) -> Site:
    """Return the Site of a node."""
    return node.twofold.system.site


async def sign_up(node: LocalApp) -> None:
    """Create Ann, who signs in, and Bob, whose account has the sessions of `SESSIONS`."""
    for name in ("ann", "bob"):
        await node.http.post("/api/v1/accounts", json={"email": f"{name}@example.com", "password": PASSWORD})


async def sign_in(node: LocalApp) -> int:
    """Sign a person in, and return the status."""
    body = {"email": "ann@example.com", "password": PASSWORD}
    return (await node.http.post("/api/v1/sign-in", json=body)).status_code


async def test_purge_on_two_nodes_runs_in_batches_without_refusing_requests(
    nodes: tuple[LocalApp, LocalApp], cluster: Cluster
) -> None:
    """No batch exceeds its size, no two run at once, no request is refused, and valid rows are kept."""
    one = nodes[0]
    name = one.twofold.config.database_url.rpartition("/")[2]
    await sign_up(one)
    cluster.sql(SESSIONS.format(expired=EXPIRED, all=EXPIRED + LIVING), name)
    cluster.sql(WATCH, name)
    cluster.sql("ANALYZE", name)
    served: list[int] = []

    async def keep_house(node: LocalApp) -> int:
        gone = 0
        while gone < EXPIRED and not done.is_set():
            gone += await purge(site_of(node), FEATURES.expiries(node.twofold.config))
            await asyncio.sleep(0)
        return gone

    async def live() -> None:
        while not done.is_set():
            served.append(await sign_in(one))

    done = asyncio.Event()
    people = [asyncio.create_task(live()) for _ in range(2)]
    work = [asyncio.create_task(keep_house(node)) for node in nodes]
    expired = "SELECT count(*) FROM session WHERE expires_at = 1700000000"
    while await asyncio.to_thread(cluster.sql, expired, name) != "0":
        failed = [task for task in work if task.done() and task.exception()]
        assert not failed, failed[0].exception()
        await asyncio.sleep(0.1)
    done.set()
    gone = sum(await asyncio.gather(*work))
    await asyncio.gather(*people)
    assert gone >= EXPIRED  # and what else had expired
    assert cluster.sql("SELECT max(gone) FROM batch", name) == str(BATCH)
    assert cluster.sql("SELECT sum(gone) FROM batch", name) == str(EXPIRED)
    assert (
        cluster.sql("SELECT count(*) FROM batch a JOIN batch b ON a.ctid < b.ctid AND a.during && b.during", name)
        == "0"
    )
    assert cluster.sql("SELECT count(*) FROM session WHERE signed_in_at = 0", name) == str(LIVING)
    assert set(served) == {200}
    assert len(served) >= 10


async def test_locked_row_is_left_for_the_next_purge(nodes: tuple[LocalApp, LocalApp], cluster: Cluster) -> None:
    """The purge waits for no lock, and no request waits for the purge."""
    one, other = nodes
    name = one.twofold.config.database_url.rpartition("/")[2]
    await sign_up(one)
    cluster.sql(SESSIONS.format(expired=3, all=3), name)

    async def hold(tx: Transaction) -> int:
        await tx.one("SELECT id FROM session WHERE id = '2' FOR UPDATE")
        return await purge(site_of(other), FEATURES.expiries(other.twofold.config))

    assert await site_of(one).db.write(hold) == 2
    assert await purge(site_of(other), FEATURES.expiries(other.twofold.config)) == 1


async def test_events_are_kept_for_the_configured_time(database_url: str, tmp_path: Path) -> None:
    """Older events are deleted, and younger ones are kept."""
    async with in_process(tmp_path, database_url=database_url, keep_events="30d") as node:
        body = {"email": "ann@example.com", "password": PASSWORD}
        await node.http.post("/api/v1/accounts", json=body)
        node.clock.now += 30 * 86_400
        await sign_in(node)
        assert await events(node) == ["account:created", "sign_in:completed"]
        node.clock.now += 1
        await purge(site_of(node), FEATURES.expiries(node.twofold.config))
        assert await events(node) == ["sign_in:completed"]


async def events(node: LocalApp) -> list[str]:
    """Return the names of all events, oldest first."""
    rows = await site_of(node).db.read(lambda tx: tx.all("SELECT name FROM event ORDER BY id"))
    return [row["name"] for row in rows]


# ------------------------------------------------------------------ no table is read from one end to the other


async def test_purge_finds_expired_rows_by_an_index(database_url: str, tmp_path: Path) -> None:
    """None of the statements reads a whole table on either database."""
    async with in_process(tmp_path, database_url=database_url) as node:
        for each in FEATURES.expiries(node.twofold.config):
            assert await site_of(node).db.write(whole_reads, each, site_of(node).db.dialect) == [], each.statement


async def whole_reads(tx: Transaction, each: Expiry, dialect: str) -> list[str]:
    """Return the tables that a statement reads without an index."""
    params: dict[str, Value] = {"before": 0, "before_id": "", "most": BATCH}
    if dialect == "sqlite":
        rows = await tx.all(f"EXPLAIN QUERY PLAN {each.statement}", **params)
        return [row["detail"] for row in rows if row["detail"].startswith("SCAN") and row["detail"] != "SCAN gone"]
    for way in ("seqscan", "hashjoin", "mergejoin"):  # the tables are empty: what is possible is the question
        await tx.run(f"SET LOCAL enable_{way} = off")
    row = await tx.one(f"EXPLAIN (FORMAT JSON) {each.statement}", **params)
    return without_index(json.loads(plan_of(row))[0]["Plan"])


def plan_of(row: Row | None) -> str:
    """Return the single column of an EXPLAIN."""
    return str(row["QUERY PLAN"]) if row else ""


def without_index(plan: dict[str, Any]) -> list[str]:
    """Return the relations below a node that are scanned without a condition on an index."""
    below = plan.get("Plans", [])
    scanned = plan["Node Type"].endswith("Scan") and "Relation Name" in plan
    found = "Index Cond" in plan or any("Index Cond" in each for each in below)
    here = [plan["Relation Name"]] if scanned and not found else []
    return here + [name for each in below for name in without_index(each)]
