"""Asking how a service and its database are: ready, up in time, and whole inside."""

import json
import os
import sqlite3
import time
from contextlib import closing

import httpx2

from tests.cluster import Cluster
from tests.service import Service

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
    """How much longer than alone a program takes on this machine just now."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def start_in_time(service: Service) -> None:
    """Starts a server that was killed; it answers within 5 seconds, on a machine that has nothing else to do."""
    within = UP_WITHIN * slowness()
    began = time.monotonic()
    service.start()
    assert time.monotonic() - began < within


def readiness(service: Service) -> int:
    """The status of `/readyz`, however long the answer takes."""
    return httpx2.get(f"{service.url}/readyz", timeout=30, trust_env=False, verify=False).status_code


def wait_until_not_ready(service: Service) -> None:
    """Returns when `/readyz` is red, which it must be when the last good finding is too old to be given again."""
    began = time.monotonic()
    while readiness(service) != 503:
        assert time.monotonic() - began < FINDING_KEPT + 1, "still ready"
        time.sleep(0.1)


def wait_until_ready(service: Service) -> None:
    """Returns when `/readyz` is green again, which it must be 10 seconds after the database is back."""
    began = time.monotonic()
    while readiness(service) != 200:
        assert time.monotonic() - began < HEALED_WITHIN, f"not ready again:\n{service.output()}"
        time.sleep(0.1)


def check_sqlite(service: Service) -> None:
    """The file of a running service is whole, and every row belongs to one that is there."""
    with closing(sqlite3.connect(f"file:{service.data_dir / 'twofold.db'}?mode=ro", uri=True)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []


def check_postgres(cluster: Cluster, name: str) -> None:
    """Every index agrees with its table, and no row is damaged."""
    cluster.sql("CREATE EXTENSION IF NOT EXISTS amcheck", name)
    cluster.sql(BROKEN_INDEXES, name)
    assert cluster.sql(BROKEN_ROWS, name) == ""


def accounts(service: Service) -> set[str]:
    """The addresses of all accounts."""
    done = service.command("account", "list", "--json")
    assert done.returncode == 0, done.stderr
    return {account["email"] for account in json.loads(done.stdout)}
