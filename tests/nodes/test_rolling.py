"""During a rolling upgrade, the migration runs once, with short locks, and older nodes keep serving."""

import os
import re
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import twofold
from tests.faults.test_migrations import MIGRATION, NUMBER
from tests.faults.test_start import refusal
from tests.nodes.conftest import shared
from tests.nodes.test_workers import wait_until, workers
from tests.support.clients import Person
from tests.support.cluster import Cluster
from tests.support.other_programs import long_read
from tests.support.service import Service

EXPAND = """
ALTER TABLE account ADD COLUMN nickname TEXT;
CREATE TABLE brought_by_it (id BIGINT PRIMARY KEY);
"""


@pytest.fixture
def old(cluster: Cluster, tmp_path: Path) -> Iterator[Service]:
    """Yield a node of the current version with two workers."""
    settings = shared()
    arguments = ["--workers", "2"]
    with Service(tmp_path / "old", database_url=cluster.database(), settings=settings, arguments=arguments) as service:
        wait_until(lambda: len(workers(service)) == 2)
        yield service


def newer(old: Service, folder: Path, script: str = EXPAND) -> Service:
    """Start a node of the next version, which has one more migration."""
    package = folder / "package" / "twofold"
    shutil.copytree(Path(twofold.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "base" / "database" / "migrations" / MIGRATION).write_text(script)
    own = {name: value for name, value in old.settings.items() if name not in ("data_dir", "base_url")}
    return Service(folder / "newer", launcher=["env", f"PYTHONPATH={package.parent}"], settings=own)


@contextmanager
def signing_in(person: Person) -> Iterator[Counter[int]]:
    """Sign in on the old node repeatedly and return the statuses."""
    seen: Counter[int] = Counter()
    over = threading.Event()

    def again() -> None:
        while not over.is_set():
            seen[person.another_browser().sign_in(person.email).status] += 1

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_old_nodes_keep_serving_during_and_after_a_migration(old: Service, tmp_path: Path) -> None:
    """No request is refused while a backup delays the migration; afterwards, both versions serve the same accounts."""
    person, other = Person.signed_in(old.url), Person.signed_in(old.url)  # more than 50 sign-ins end the oldest session
    with signing_in(other) as seen, long_read(old.settings["database_url"]), newer(old, tmp_path) as after:
        there = Person(after.url, person.email)
        there.api.token = person.api.token
        there.api.session().expect(200)
        there.api.sign_in(person.email).expect(200)
        before = seen[200]
        wait_until(lambda: seen[200] > before + 10)
    assert set(seen) == {200}
    assert after.whole_output().count("Traceback") == 0


def test_old_node_replaces_workers_after_a_migration_but_cannot_restart(old: Service, tmp_path: Path) -> None:
    """A failed worker is replaced after a newer node has migrated; a stopped node needs the newer version."""
    person = Person.signed_in(old.url)
    with newer(old, tmp_path):
        before = workers(old)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(workers(old) - before) == 1)
        old.wait_for_output(re.compile("a newer version of Twofold has migrated the database"))
        for _ in range(10):
            person.api.session().expect(200)
        old.stop()
        assert f"version {NUMBER}" in refusal(old)
