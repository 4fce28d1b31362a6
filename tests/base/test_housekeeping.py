"""What is over goes in small batches, by one process at a time, found by an index, while people are served."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients import PASSWORD
from tests.cluster import Cluster
from tests.inside import Inside, inside
from tests.nodes.conftest import shared
from twofold.base.database import Row, Transaction, Value
from twofold.base.housekeeping import MOST, Over, clear_out
from twofold.base.site import Site
from twofold.rooms import over

pytestmark = pytest.mark.anyio

EXPIRED, LIVING = 20_000, 20_000
SESSIONS = """
    INSERT INTO session (token_hash, id, account_id, name, source, methods, signed_in_at, last_used_at, expires_at,
                         unlocked_until)
    SELECT sha256(n::text::bytea), n::text, (SELECT id FROM account LIMIT 1), '', '', 'password', 0, 0,
           CASE WHEN n <= {expired} THEN 1700000000 ELSE 1900000000 END, 0
    FROM generate_series(1, {all}) n
"""
# Tells of each batch, and fails when another transaction takes sessions out at the same time.
WATCH = """
    CREATE TABLE batch (gone BIGINT);
    CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT pg_try_advisory_xact_lock(4711) THEN RAISE EXCEPTION 'two at once'; END IF;
        PERFORM pg_sleep(0.002);
        INSERT INTO batch SELECT count(*) FROM gone;
        RETURN NULL;
    END $$;
    CREATE TRIGGER watch AFTER DELETE ON session REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION watch()
"""


@pytest.fixture
async def nodes(cluster: Cluster, tmp_path: Path) -> AsyncIterator[tuple[Inside, Inside]]:
    """Two nodes on one PostgreSQL."""
    settings = shared(database_url=cluster.database())
    async with inside(tmp_path / "one", **settings) as one, inside(tmp_path / "other", **settings) as other:
        yield one, other


def site_of(node: Inside) -> Site:
    """The inside of a node."""
    return node.twofold.acts.site


async def sign_in(node: Inside) -> int:
    """One person signs in; the status."""
    body = {"email": "ann@example.com", "password": PASSWORD}
    return (await node.http.post("/api/v1/sign-in", json=body)).status_code


async def test_thousands_go_in_batches_while_two_nodes_work_and_people_are_served(
    nodes: tuple[Inside, Inside], cluster: Cluster
) -> None:
    """No batch is larger than it may be, no two are at work at the same time, nobody is refused, the living stay."""
    one = nodes[0]
    name = one.twofold.config.database_url.rpartition("/")[2]
    await one.http.post("/api/v1/accounts", json={"email": "ann@example.com", "password": PASSWORD})
    cluster.sql(SESSIONS.format(expired=EXPIRED, all=EXPIRED + LIVING), name)
    cluster.sql(WATCH, name)
    cluster.sql("ANALYZE", name)
    served: list[int] = []

    async def keep_house(node: Inside) -> int:
        gone = 0
        while gone < EXPIRED and not done.is_set():
            gone += await clear_out(site_of(node), over(node.twofold.config))
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
    assert gone == EXPIRED
    assert cluster.sql("SELECT max(gone) FROM batch", name) == str(MOST)
    assert cluster.sql("SELECT sum(gone) FROM batch", name) == str(EXPIRED)
    assert cluster.sql("SELECT count(*) FROM session WHERE signed_in_at = 0", name) == str(LIVING)
    assert set(served) == {200}
    assert len(served) >= 10


async def test_a_row_that_somebody_holds_is_left_for_the_next_time(
    nodes: tuple[Inside, Inside], cluster: Cluster
) -> None:
    """Housekeeping waits for nobody, and nobody is kept waiting by it."""
    one, other = nodes
    name = one.twofold.config.database_url.rpartition("/")[2]
    await one.http.post("/api/v1/accounts", json={"email": "ann@example.com", "password": PASSWORD})
    cluster.sql(SESSIONS.format(expired=3, all=3), name)

    async def hold(tx: Transaction) -> int:
        await tx.one("SELECT id FROM session WHERE id = '2' FOR UPDATE")
        return await clear_out(site_of(other), over(other.twofold.config))

    assert await site_of(one).db.write(hold) == 2
    assert await clear_out(site_of(other), over(other.twofold.config)) == 1


async def test_events_are_kept_as_long_as_the_operator_wants(database_url: str, tmp_path: Path) -> None:
    """What is older goes, what is younger stays."""
    async with inside(tmp_path, database_url=database_url, keep_events="30d") as node:
        body = {"email": "ann@example.com", "password": PASSWORD}
        await node.http.post("/api/v1/accounts", json=body)
        node.clock.now += 30 * 86_400
        await sign_in(node)
        assert await events(node) == ["account:created", "sign_in:completed"]
        node.clock.now += 1
        await clear_out(site_of(node), over(node.twofold.config))
        assert await events(node) == ["sign_in:completed"]


async def events(node: Inside) -> list[str]:
    """The names of all events, oldest first."""
    rows = await site_of(node).db.read(lambda tx: tx.all("SELECT name FROM event ORDER BY id"))
    return [row["name"] for row in rows]


# ------------------------------------------------------------------ no table is read from one end to the other


async def test_housekeeping_finds_by_an_index_what_is_over(database_url: str, tmp_path: Path) -> None:
    """None of its statements reads a whole table, on either database."""
    async with inside(tmp_path, database_url=database_url) as node:
        for each in over(node.twofold.config):
            assert await site_of(node).db.write(whole_reads, each, site_of(node).db.dialect) == [], each.statement


async def whole_reads(tx: Transaction, each: Over, dialect: str) -> list[str]:
    """The tables that a statement reads without an index."""
    params: dict[str, Value] = {"before": 0, "before_id": "", "most": MOST}
    if dialect == "sqlite":
        rows = await tx.all(f"EXPLAIN QUERY PLAN {each.statement}", **params)
        return [row["detail"] for row in rows if row["detail"].startswith("SCAN") and row["detail"] != "SCAN gone"]
    for way in ("seqscan", "hashjoin", "mergejoin"):  # the tables are empty: what is possible is the question
        await tx.run(f"SET LOCAL enable_{way} = off")
    row = await tx.one(f"EXPLAIN (FORMAT JSON) {each.statement}", **params)
    return without_index(json.loads(plan_of(row))[0]["Plan"])


def plan_of(row: Row | None) -> str:
    """The one column of an explanation."""
    return str(row["QUERY PLAN"]) if row else ""


def without_index(plan: dict[str, Any]) -> list[str]:
    """The relations below a node that are scanned without a condition on an index."""
    below = plan.get("Plans", [])
    scanned = plan["Node Type"].endswith("Scan") and "Relation Name" in plan
    found = "Index Cond" in plan or any("Index Cond" in each for each in below)
    here = [plan["Relation Name"]] if scanned and not found else []
    return here + [name for each in below for name in without_index(each)]
