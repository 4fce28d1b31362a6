"""When the service or its database is killed, acknowledged writes remain and used codes stay used."""

import random

import pytest

from tests.support.cluster import Cluster
from tests.support.health import accounts, check_postgres, check_sqlite, start_in_time, wait_until_ready
from tests.support.service import Service
from tests.support.workload import Workload

KILLS = 500
KILLS_ON_POSTGRES = 200
KILLS_OF_POSTGRES = 50
MOST_WRITES = 30  # acknowledged requests between two kills


def any_moment(workload: Workload) -> None:
    """Wait until some write is under way."""
    workload.wait_for(random.randint(1, MOST_WRITES))  # noqa: S311 - not for security


def kill_and_look(service: Service, known: set[str]) -> None:
    """Kill the service while people write, start it again, and check every person's data."""
    with Workload(service.url) as workload:
        any_moment(workload)
        service.kill()
    start_in_time(service)
    known.update(life.email for life in workload.runs if life.has_account)
    workload.check()


def test_acknowledged_writes_survive_killing_the_service_on_sqlite(on_sqlite: Service, scale: float) -> None:
    """After each `kill -9`, the service is up in 5 seconds and the file is intact (M01)."""
    known: set[str] = set()
    for _ in range(int(KILLS * scale)):
        kill_and_look(on_sqlite, known)
        check_sqlite(on_sqlite)
    assert known <= accounts(on_sqlite)


def test_acknowledged_writes_survive_killing_the_service_on_postgres(
    on_postgres: Service, fragile: Cluster, scale: float
) -> None:
    """Open transactions of the killed process block no other request (M02)."""
    known: set[str] = set()
    for _ in range(int(KILLS_ON_POSTGRES * scale)):
        kill_and_look(on_postgres, known)
    assert known <= accounts(on_postgres)
    check_postgres(fragile, database_of(on_postgres))


def test_acknowledged_writes_survive_killing_postgres(on_postgres: Service, fragile: Cluster, scale: float) -> None:
    """The service reconnects by itself (M02)."""
    known: set[str] = set()
    for _ in range(int(KILLS_OF_POSTGRES * scale)):
        with Workload(on_postgres.url) as workload:
            any_moment(workload)
            fragile.kill()
        fragile.start()
        wait_until_ready(on_postgres)
        known.update(life.email for life in workload.runs if life.has_account)
        workload.check()
        check_postgres(fragile, database_of(on_postgres))
    assert known <= accounts(on_postgres)


def database_of(service: Service) -> str:
    """Return the name of the service's database."""
    return service.settings["database_url"].rpartition("/")[2]


@pytest.fixture(autouse=True)
def _chance(request: pytest.FixtureRequest) -> None:
    """Return random numbers that differ between tests but not between runs."""
    random.seed(request.node.name)
