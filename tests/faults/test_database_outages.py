"""A locked, read-only, full, stopped or unresponsive database refuses requests with a clear error, and recovers."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support import outages
from tests.support.cluster import Cluster
from tests.support.forms import FormBrowser
from tests.support.health import check_sqlite, slowness, wait_until_not_ready, wait_until_ready
from tests.support.service import Service
from tests.support.workload import Workload
from tests.support.writing_routes import FIELDS, ONLY_READS, SENTENCE, WRITING, WritingRoutes, check_refused, name_of

ANSWERED_WITHIN = 17.0  # 12 seconds for a turn to hash a password, and 5 for the database
DISK_MEGABYTES = 24
FOREIGN_LOCK = 60.0


@pytest.fixture(scope="module")
def sqlite_on_small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a server on SQLite with a small disk."""
    folder = tmp_path_factory.mktemp("service")
    with outages.small_disk(folder / "data", DISK_MEGABYTES), Service(folder) as running:
        yield running


@pytest.fixture(scope="module")
def on_fragile(fragile: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a server on the fragile PostgreSQL."""
    with Service(tmp_path_factory.mktemp("service"), database_url=fragile.database()) as running:
        yield running


def test_every_writing_route_is_requested_during_an_outage() -> None:
    """New routes that write must be added here."""
    assert sorted(map(name_of, WRITING)) == sorted(FIELDS)


# ------------------------------------------------------------------ SQLite


def test_sqlite_locked_by_another_process_refuses_every_request_in_time(sqlite_service: Service, full: bool) -> None:  # noqa: FBT001 - fixture
    """Every request is refused within the time limit (M06)."""
    routes = WritingRoutes.prepared(sqlite_service)
    with outages.locked(sqlite_service):
        until = time.monotonic() + FOREIGN_LOCK * (1.0 if full else 0.1)
        while time.monotonic() < until:
            check_refused_in_time(routes)
    check_recovered(routes)


def test_read_only_sqlite_file_refuses_every_write(sqlite_service: Service) -> None:
    """When SQLite cannot write, sign-in is refused and signed-in users can still read (M06)."""
    check_outage(sqlite_service, outages.read_only)


def test_full_disk_refuses_every_write_and_recovers(sqlite_on_small_disk: Service) -> None:
    """No code is accepted without being marked as used, and service resumes with free space (M05)."""
    check_outage(sqlite_on_small_disk, outages.full_disk)
    check_sqlite(sqlite_on_small_disk)


def test_writes_acknowledged_while_the_disk_fills_are_kept(sqlite_on_small_disk: Service) -> None:
    """While the disk fills up and is emptied, each response is correct or a 503 (M05)."""
    with Workload(sqlite_on_small_disk.url) as workload:
        for _ in range(2):
            workload.wait_for(20)
            with outages.filled_up(sqlite_on_small_disk.data_dir):
                time.sleep(2)
            wait_until_ready(sqlite_on_small_disk)
    workload.check()
    check_sqlite(sqlite_on_small_disk)


# ------------------------------------------------------------------ PostgreSQL


def test_stopped_postgres_refuses_every_request(on_fragile: Service, fragile: Cluster) -> None:
    """When PostgreSQL is stopped, every request is refused, reads included (M07)."""
    check_outage(on_fragile, lambda _: outages.stopped(fragile), reads=False)


def test_unresponsive_postgres_refuses_every_request_in_time(on_fragile: Service, fragile: Cluster) -> None:
    """When PostgreSQL does not respond, no request waits longer than the limit (M06)."""
    check_outage(on_fragile, lambda _: outages.paused(fragile), reads=False)


def test_read_only_postgres_refuses_every_write(on_fragile: Service, fragile: Cluster) -> None:
    """When PostgreSQL is read-only, sign-in is refused and signed-in users can still read (M06)."""
    check_outage(on_fragile, lambda _: outages.demoted(fragile))


def test_writes_acknowledged_while_postgres_runs_out_of_space_are_kept(fragile: Cluster, tmp_path: Path) -> None:
    """While tables cannot grow, each response is correct or a 503 (M05)."""
    with outages.small_disk(fragile.folder / "small", 24) as disk:
        fragile.sql(f"CREATE TABLESPACE small LOCATION '{prepared_for(fragile, disk)}'")
        fragile.sql("CREATE DATABASE small TABLESPACE small")
        with Service(tmp_path, database_url=fragile.url("small")) as service:
            with Workload(service.url) as workload:
                workload.wait_for(10)
                with outages.filled_up(disk):
                    time.sleep(2)
                wait_until_ready(service)
            workload.check()
        fragile.drop("small")
        fragile.sql("DROP TABLESPACE small")


def prepared_for(server: Cluster, disk: Path) -> Path:
    """Return a folder that belongs to the server."""
    place = disk / "tables"
    place.mkdir(mode=0o700)
    owner = server.folder.stat()
    outages.run_or_skip("chown", f"{owner.st_uid}:{owner.st_gid}", str(place))
    return place


# ------------------------------------------------------------------ what holds for all


def check_outage(
    service: Service, outage: Callable[[Service], AbstractContextManager[None]], *, reads: bool = True
) -> None:
    """Break the database, request every route, restore the database, and check that nothing changed."""
    routes = WritingRoutes.prepared(service)
    with outage(service):
        check_refused_in_time(routes, reads=reads)
    check_recovered(routes)


def check_refused_in_time(routes: WritingRoutes, *, reads: bool = True) -> None:
    """Check that every route is refused in time and health is red; `reads` allows signed-in users to read."""
    began = time.monotonic()
    answers = routes.request_all()
    took = time.monotonic() - began
    for route, answer in answers.items():
        if not (reads and route in ONLY_READS):
            check_refused(route, answer)
    assert took < ANSWERED_WITHIN * slowness() ** 0.5, f"a request waited for {took:.1f} s"
    wait_until_not_ready(routes.service)
    assert routes.service.is_healthy("/healthz")
    browser = FormBrowser(routes.service.url, session=routes.facts["session"])
    shown = browser.get("/settings").expect(200 if reads else 503)
    assert reads or SENTENCE in shown.words


def check_recovered(routes: WritingRoutes) -> None:
    """Check that the service is ready in time without a restart, and that no refused request had an effect."""
    wait_until_ready(routes.service)
    routes.check_nothing_changed()
