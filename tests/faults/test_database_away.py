"""The database is locked, read-only, full, stopped or mute: every door is shut, says so in a sentence, and heals."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.faults import outages
from tests.faults.doors import FIELDS, ONLY_READS, SENTENCE, WRITING, Doors, check_refused, name_of
from tests.faults.health import check_sqlite, slowness, wait_until_not_ready, wait_until_ready
from tests.faults.lives import Crowd
from tests.forms import FormBrowser
from tests.service import Service

ANSWERED_WITHIN = 10.0
DISK_MEGABYTES = 24
FOREIGN_LOCK = 60.0


@pytest.fixture(scope="module")
def sqlite_on_small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server on SQLite with a disk that is quickly full."""
    folder = tmp_path_factory.mktemp("service")
    with outages.small_disk(folder / "data", DISK_MEGABYTES), Service(folder) as running:
        yield running


@pytest.fixture(scope="module")
def on_fragile(fragile: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server on the fragile PostgreSQL."""
    with Service(tmp_path_factory.mktemp("service"), database_url=fragile.database()) as running:
        yield running


def test_every_writing_route_is_knocked_at() -> None:
    """A new route that writes is not forgotten here."""
    assert sorted(map(name_of, WRITING)) == sorted(FIELDS)


# ------------------------------------------------------------------ SQLite


def test_a_foreign_lock_on_sqlite_shuts_every_door(sqlite_service: Service, full: bool) -> None:  # noqa: FBT001 - fixture
    """Another process holds the file (M06): everybody is told within the time limit, as long as it lasts."""
    doors = Doors.prepared(sqlite_service)
    with outages.locked(sqlite_service):
        until = time.monotonic() + FOREIGN_LOCK * (1.0 if full else 0.1)
        while time.monotonic() < until:
            check_shut(doors)
    check_healed(doors)


def test_a_read_only_file_shuts_every_door(sqlite_service: Service) -> None:
    """SQLite cannot write its files any more (M06): nobody gets in, who is in may look."""
    check_outage(sqlite_service, outages.read_only)


def test_a_full_disk_shuts_every_door(sqlite_on_small_disk: Service) -> None:
    """Nothing fits on the disk (M05): no code is accepted unmarked, and it heals when there is room again."""
    check_outage(sqlite_on_small_disk, outages.full_disk)
    check_sqlite(sqlite_on_small_disk)


def test_what_was_acknowledged_while_a_disk_filled_is_there(sqlite_on_small_disk: Service) -> None:
    """People live on while the disk fills up and is emptied (M05): each answer was either true or a 503."""
    with Crowd(sqlite_on_small_disk.url) as crowd:
        for _ in range(2):
            crowd.wait_for(20)
            with outages.filled_up(sqlite_on_small_disk.data_dir):
                time.sleep(2)
            wait_until_ready(sqlite_on_small_disk)
    crowd.check()
    check_sqlite(sqlite_on_small_disk)


# ------------------------------------------------------------------ PostgreSQL


def test_a_stopped_postgres_shuts_every_door(on_fragile: Service, fragile: Cluster) -> None:
    """Nobody listens where the database was (M07): every request is refused, looking included."""
    check_outage(on_fragile, lambda _: outages.stopped(fragile), reads=False)


def test_a_mute_postgres_shuts_every_door(on_fragile: Service, fragile: Cluster) -> None:
    """The database is connected and does not answer (M06): nobody waits longer than the limit."""
    check_outage(on_fragile, lambda _: outages.paused(fragile), reads=False)


def test_a_read_only_postgres_shuts_every_door(on_fragile: Service, fragile: Cluster) -> None:
    """The server has lost its place as the writing one (M06): nobody gets in, who is in may look."""
    check_outage(on_fragile, lambda _: outages.demoted(fragile))


def test_what_was_acknowledged_while_postgres_ran_out_of_room_is_there(fragile: Cluster, tmp_path: Path) -> None:
    """The tables of PostgreSQL cannot grow (M05): each answer was either true or a 503."""
    with outages.small_disk(fragile.folder / "small", 24) as disk:
        fragile.sql(f"CREATE TABLESPACE small LOCATION '{prepared_for(fragile, disk)}'")
        fragile.sql("CREATE DATABASE small TABLESPACE small")
        with Service(tmp_path, database_url=fragile.url("small")) as service:
            with Crowd(service.url) as crowd:
                crowd.wait_for(10)
                with outages.filled_up(disk):
                    time.sleep(2)
                wait_until_ready(service)
            crowd.check()
        fragile.drop("small")
        fragile.sql("DROP TABLESPACE small")


def prepared_for(server: Cluster, disk: Path) -> Path:
    """A folder that belongs to the server."""
    place = disk / "tables"
    place.mkdir(mode=0o700)
    owner = server.folder.stat()
    outages.run_or_miss("chown", f"{owner.st_uid}:{owner.st_gid}", str(place))
    return place


# ------------------------------------------------------------------ what holds for all


def check_outage(
    service: Service, outage: Callable[[Service], AbstractContextManager[None]], *, reads: bool = True
) -> None:
    """Prepares, breaks, knocks at every door, mends, and looks that nothing happened."""
    doors = Doors.prepared(service)
    with outage(service):
        check_shut(doors, reads=reads)
    check_healed(doors)


def check_shut(doors: Doors, *, reads: bool = True) -> None:
    """Every door is shut in time, health is red, the process is alive; `reads`: the signed-in may still look."""
    began = time.monotonic()
    answers = doors.knock()
    took = time.monotonic() - began
    for route, answer in answers.items():
        if not (reads and route in ONLY_READS):
            check_refused(route, answer)
    assert took < ANSWERED_WITHIN * slowness() ** 0.5, f"somebody waited for {took:.1f} s"
    wait_until_not_ready(doors.service)
    assert doors.service.is_healthy("/healthz")
    browser = FormBrowser(doors.service.url, session=doors.facts["session"])
    shown = browser.get("/settings").must(200 if reads else 503)
    assert reads or SENTENCE in shown.words


def check_healed(doors: Doors) -> None:
    """Ready in time and without a restart, and nothing that was refused has happened."""
    wait_until_ready(doors.service)
    doors.check_that_nothing_happened()
