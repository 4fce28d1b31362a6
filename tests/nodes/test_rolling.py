"""A newer version comes node by node: it migrates once, by short locks, and the older nodes serve on meanwhile."""

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
from tests.clients import Person
from tests.cluster import Cluster
from tests.faults.test_migrations import MIGRATION, NUMBER
from tests.faults.test_start import refusal
from tests.nodes.conftest import shared
from tests.nodes.other_programs import reading
from tests.nodes.test_workers import wait_until, workers
from tests.service import Service

EXPAND = """
ALTER TABLE account ADD COLUMN nickname TEXT;
CREATE TABLE brought_by_it (id BIGINT PRIMARY KEY);
"""


@pytest.fixture
def old(cluster: Cluster, tmp_path: Path) -> Iterator[Service]:
    """A node of the present version, with two workers."""
    settings = shared()
    arguments = ["--workers", "2"]
    with Service(tmp_path / "old", database_url=cluster.database(), settings=settings, arguments=arguments) as service:
        wait_until(lambda: len(workers(service)) == 2)
        yield service


def newer(old: Service, folder: Path, script: str = EXPAND) -> Service:
    """A node of the next version, which brings one migration, beside it."""
    package = folder / "package" / "twofold"
    shutil.copytree(Path(twofold.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "base" / "database" / "migrations" / MIGRATION).write_text(script)
    own = {name: value for name, value in old.settings.items() if name not in ("data_dir", "base_url")}
    return Service(folder / "newer", launcher=["env", f"PYTHONPATH={package.parent}"], settings=own)


@contextmanager
def signing_in(person: Person) -> Iterator[Counter[int]]:
    """Somebody signs in at the old node again and again; the statuses."""
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


def test_old_nodes_serve_on_while_a_newer_one_migrates_and_afterwards(old: Service, tmp_path: Path) -> None:
    """Nobody is refused, though a backup stands in the migration's way; then both versions serve the same people."""
    person = Person.signed_in(old.url)
    with signing_in(person) as seen, reading(old.settings["database_url"]), newer(old, tmp_path) as after:
        there = Person(after.url, person.email)
        there.api.token = person.api.token
        there.api.session().must(200)
        there.api.sign_in(person.email).must(200)
        before = seen[200]
        wait_until(lambda: seen[200] > before + 10)
    assert set(seen) == {200}
    assert after.whole_output().count("Traceback") == 0


def test_a_node_that_runs_keeps_its_workers_but_does_not_start_again(old: Service, tmp_path: Path) -> None:
    """A worker that dies after a newer node has migrated is replaced; a node that was stopped needs the newer one."""
    person = Person.signed_in(old.url)
    with newer(old, tmp_path):
        before = workers(old)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(workers(old) - before) == 1)
        old.wait_for_output(re.compile("a newer Twofold has migrated the database"))
        for _ in range(10):
            person.api.session().must(200)
        old.stop()
        assert f"version {NUMBER}" in refusal(old)
