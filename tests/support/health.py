"""Check the health of a service and the integrity of its database."""

import json
import os
import sqlite3
import time
from contextlib import closing

import httpx2

from tests.support.cluster import Cluster
from tests.support.service import Service

UP_WITHIN = 5.0
HEALED_WITHIN = 10.0
FINDING_KEPT = 2.0

BROKEN_INDEXES = """
    SELECT bt_index_check(index => c.oid, heapallindexed => true)
    FROM pg_class c JOIN pg_am a ON a.oid = c.relam
    WHERE a.amname = 'btree' AND c.relnamespace = 'public'::regnamespace
"""
BROKEN_ROWS = """
    SELECT c.relname, v.* FROM pg_class c, LATERAL verify_heapam(c.oid) v
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""


def slowness() -> float:
    """Return how many times slower this machine is now than when idle."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def start_in_time(service: Service) -> None:
    """Start a killed server, and check that it answers within 5 seconds on an idle machine."""
    within = UP_WITHIN * slowness()
    began = time.monotonic()
    service.start()
    assert time.monotonic() - began < within


def readiness(service: Service) -> int:
    """Return the status of `/readyz`, however long it takes."""
    return httpx2.get(f"{service.url}/readyz", timeout=30, trust_env=False, verify=False).status_code


def wait_until_not_ready(service: Service) -> None:
    """Wait until `/readyz` fails, as it must once the last good result is too old."""
    began = time.monotonic()
    while readiness(service) != 503:
        assert time.monotonic() - began < FINDING_KEPT + 1, "still ready"
        time.sleep(0.1)


def wait_until_ready(service: Service) -> None:
    """Wait until `/readyz` succeeds, as it must within 10 seconds after the database is back."""
    began = time.monotonic()
    while readiness(service) != 200:
        assert time.monotonic() - began < HEALED_WITHIN, f"not ready again:\n{service.output()}"
        time.sleep(0.1)


def check_sqlite(service: Service) -> None:
    """Check that the database of a running service is intact, including foreign keys."""
    with closing(sqlite3.connect(f"file:{service.data_dir / 'twofold.db'}?mode=ro", uri=True)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []


def check_postgres(cluster: Cluster, name: str) -> None:
    """Check that indexes match their tables, and that no row is damaged."""
    cluster.sql("CREATE EXTENSION IF NOT EXISTS amcheck", name)
    cluster.sql(BROKEN_INDEXES, name)
    assert cluster.sql(BROKEN_ROWS, name) == ""


def accounts(service: Service) -> set[str]:
    """Return the email addresses of all accounts."""
    done = service.command("account", "list", "--json")
    assert done.returncode == 0, done.stderr
    return {account["email"] for account in json.loads(done.stdout)}
