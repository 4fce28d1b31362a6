"""The service and its database are killed at any moment: what was acknowledged is there, what was spent stays spent."""

import random

import pytest

from tests.cluster import Cluster
from tests.faults.health import accounts, check_postgres, check_sqlite, start_in_time, wait_until_ready
from tests.faults.lives import Crowd
from tests.service import Service

KILLS = 500
KILLS_ON_POSTGRES = 200
KILLS_OF_POSTGRES = 50
MOST_WRITES = 30  # between two kills: most of a life of each person


def any_moment(crowd: Crowd) -> None:
    """Lets people live until some write or other is under way."""
    crowd.wait_for(random.randint(1, MOST_WRITES))  # noqa: S311 - any moment will do


def kill_and_look(service: Service, known: set[str]) -> None:
    """Kills the service among people's writes, starts it again, and lets everybody check their lives."""
    with Crowd(service.url) as crowd:
        any_moment(crowd)
        service.kill()
    start_in_time(service)
    known.update(life.email for life in crowd.lives if life.has_account)
    crowd.check()


def test_no_acknowledged_write_is_lost_when_the_service_is_killed(on_sqlite: Service, of_many: float) -> None:
    """However often `kill -9` hits the writes on SQLite (M01), the service is up in 5 seconds and the file is whole."""
    known: set[str] = set()
    for _ in range(int(KILLS * of_many)):
        kill_and_look(on_sqlite, known)
        check_sqlite(on_sqlite)
    assert known <= accounts(on_sqlite)


def test_no_acknowledged_write_is_lost_when_the_service_on_postgres_is_killed(
    on_postgres: Service, fragile: Cluster, of_many: float
) -> None:
    """The same with PostgreSQL behind it (M02): transactions left open by the dead block nobody."""
    known: set[str] = set()
    for _ in range(int(KILLS_ON_POSTGRES * of_many)):
        kill_and_look(on_postgres, known)
    assert known <= accounts(on_postgres)
    check_postgres(fragile, database_of(on_postgres))


def test_no_acknowledged_write_is_lost_when_postgres_is_killed(
    on_postgres: Service, fragile: Cluster, of_many: float
) -> None:
    """The database server is killed under a service that goes on (M02): it finds back to it by itself."""
    known: set[str] = set()
    for _ in range(int(KILLS_OF_POSTGRES * of_many)):
        with Crowd(on_postgres.url) as crowd:
            any_moment(crowd)
            fragile.kill()
        fragile.start()
        wait_until_ready(on_postgres)
        known.update(life.email for life in crowd.lives if life.has_account)
        crowd.check()
        check_postgres(fragile, database_of(on_postgres))
    assert known <= accounts(on_postgres)


def database_of(service: Service) -> str:
    """The name of the service's database."""
    return service.settings["database_url"].rpartition("/")[2]


@pytest.fixture(autouse=True)
def _chance(request: pytest.FixtureRequest) -> None:
    """The moments are other ones for every test, and the same ones when a test is run again."""
    random.seed(request.node.name)
