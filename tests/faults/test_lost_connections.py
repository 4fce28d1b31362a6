"""PostgreSQL restarts, and its connections are cut, even at the commit: only 503 meanwhile, and no wrong grant."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from tests.clients import Person
from tests.cluster import Cluster
from tests.faults.health import accounts, check_postgres, wait_until_ready
from tests.faults.lives import Crowd
from tests.faults.proxy import Proxy
from tests.service import Service

RESTARTS = 20
CUTS = 20
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'twofold'"


def test_restarts_of_postgres_under_load_lose_nothing(on_postgres: Service, fragile: Cluster, of_many: float) -> None:
    """The database is restarted (M07): healthy in 10 seconds, every answer in between was either true or a 503."""
    with Crowd(on_postgres.url) as crowd:
        for _ in range(int(RESTARTS * of_many)):
            crowd.wait_for(15)
            fragile.restart()
            wait_until_ready(on_postgres)
        crowd.wait_for(15)
    check_everything(on_postgres, fragile, crowd)


def test_connections_that_are_ended_all_the_time_lose_nothing(on_postgres: Service, fragile: Cluster) -> None:
    """Backends are terminated in a loop, often in the middle of a transaction (M07)."""
    with Crowd(on_postgres.url) as crowd:
        with terminating(fragile):
            crowd.wait_for_refusals(15)
        wait_until_ready(on_postgres)
        crowd.wait_for(15)
    check_everything(on_postgres, fragile, crowd)


@pytest.mark.parametrize("side", ["before", "after"])
def test_commits_without_an_answer_lose_nothing(
    side: Literal["before", "after"], fragile: Cluster, tmp_path: Path, of_many: float
) -> None:
    """The network breaks at COMMIT again and again (M07): what was spent stays spent, whichever way it went."""
    url = fragile.database()
    with Proxy(fragile.port) as proxy, Service(tmp_path, database_url=through(proxy, fragile, url)) as service:
        with Crowd(service.url) as crowd:
            for _ in range(max(int(CUTS * of_many), 5)):
                crowd.wait_for(6)
                proxy.cut, before = side, proxy.cuts
                crowd.wait_for_refusals(1)
                proxy.cut = None
                assert proxy.cuts > before
        wait_until_ready(service)
        check_everything(service, fragile, crowd, url)


@pytest.mark.parametrize("side, then", [("before", 200), ("after", 401)])
def test_a_code_whose_commit_was_not_answered_is_good_at_most_once(
    side: Literal["before", "after"], then: int, fragile: Cluster, tmp_path: Path
) -> None:
    """Success is never reported on a guess: a code that reached the database is spent, one that did not is not."""
    url = fragile.database()
    with Proxy(fragile.port) as proxy, Service(tmp_path, database_url=through(proxy, fragile, url)) as service:
        person = Person.with_totp(service.url)
        api, code = person.another_browser(), person.code()
        api.sign_in(person.email, person.password).must(200)
        proxy.cut = side
        api.give_code(code).refused(503, "unavailable")
        proxy.cut = None
        api.sign_in(person.email, person.password).must(200)
        api.give_code(code).must(then)
        api.sign_in(person.email, person.password).must(200)
        api.give_code(code).must(401)
        assert len(person.api.sessions()["items"]) == 2  # nobody holds the token of what was never answered


@pytest.mark.parametrize("side, then", [("before", 200), ("after", 401)])
def test_a_recovery_code_whose_commit_was_not_answered_is_good_at_most_once(
    side: Literal["before", "after"], then: int, fragile: Cluster, tmp_path: Path
) -> None:
    """As for codes; and while the authenticator is there, the owner gets in whatever happened."""
    url = fragile.database()
    with Proxy(fragile.port) as proxy, Service(tmp_path, database_url=through(proxy, fragile, url)) as service:
        person = Person.with_totp(service.url)
        assert person.recovery_code is not None
        api = person.another_browser()
        api.sign_in(person.email, person.password).must(200)
        proxy.cut = side
        api.give_recovery_code(person.recovery_code).refused(503, "unavailable")
        proxy.cut = None
        api.sign_in(person.email, person.password).must(200)
        api.give_recovery_code(person.recovery_code).must(then)
        person.sign_in()


@contextmanager
def terminating(server: Cluster) -> Iterator[None]:
    """Ends all connections of services, as fast as it can be asked for."""
    over = threading.Event()

    def terminate() -> None:
        while not over.wait(0.05):
            server.sql(TERMINATE)

    thread = threading.Thread(target=terminate)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def through(proxy: Proxy, server: Cluster, url: str) -> str:
    """The address of a database behind the proxy."""
    return url.replace(f":{server.port}/", f":{proxy.port}/")


def check_everything(service: Service, server: Cluster, crowd: Crowd, url: str | None = None) -> None:
    """Every life is as it was acknowledged, every account is there, and the database is whole."""
    known = {life.email for life in crowd.lives if life.has_account}
    crowd.check()
    assert known <= accounts(service)
    check_postgres(server, (url or service.settings["database_url"]).rpartition("/")[2])
