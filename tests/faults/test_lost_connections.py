"""When PostgreSQL restarts or connections break, even at COMMIT, requests get 503 and nothing is wrongly granted."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from tests.support.clients import Person
from tests.support.cluster import Cluster
from tests.support.health import accounts, check_postgres, wait_until_ready
from tests.support.proxy import Proxy
from tests.support.service import Service
from tests.support.workload import Workload

RESTARTS = 20
CUTS = 20
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'twofold'"


def test_restarting_postgres_under_load_loses_no_acknowledged_write(
    on_postgres: Service, fragile: Cluster, scale: float
) -> None:
    """The service is healthy in 10 seconds, and every response in between is correct or a 503 (M07)."""
    with Workload(on_postgres.url) as workload:
        for _ in range(int(RESTARTS * scale)):
            workload.wait_for(15)
            fragile.restart()
            wait_until_ready(on_postgres)
        workload.wait_for(15)
    check_everything(on_postgres, fragile, workload)


def test_terminating_connections_loses_no_acknowledged_write(on_postgres: Service, fragile: Cluster) -> None:
    """Backends are terminated again and again, often within a transaction (M07)."""
    with Workload(on_postgres.url) as workload:
        with terminating(fragile):
            workload.wait_for_refusals(15)
        wait_until_ready(on_postgres)
        workload.wait_for(15)
    check_everything(on_postgres, fragile, workload)


@pytest.mark.parametrize("side", ["before", "after"])
def test_commits_without_a_response_lose_no_acknowledged_write(
    side: Literal["before", "after"], fragile: Cluster, tmp_path: Path, scale: float
) -> None:
    """The network breaks again and again at COMMIT (M07): used codes stay used, whether or not it arrived."""
    url = fragile.database()
    with Proxy(fragile.port) as proxy, Service(tmp_path, database_url=through(proxy, fragile, url)) as service:
        with Workload(service.url) as workload:
            for _ in range(max(int(CUTS * scale), 5)):
                workload.wait_for(6)
                proxy.cut, before = side, proxy.cuts
                workload.wait_for_refusals(1)
                proxy.cut = None
                assert proxy.cuts > before
        wait_until_ready(service)
        check_everything(service, fragile, workload, url)


@pytest.mark.parametrize("side, then", [("before", 200), ("after", 401)])
def test_code_is_accepted_at_most_once_when_the_commit_response_is_lost(
    side: Literal["before", "after"], then: int, fragile: Cluster, tmp_path: Path
) -> None:
    """Success is not reported: a code whose COMMIT arrived is used, and any other is not."""
    url = fragile.database()
    with Proxy(fragile.port) as proxy, Service(tmp_path, database_url=through(proxy, fragile, url)) as service:
        person = Person.with_totp(service.url)
        api, code = person.another_browser(), person.code()
        api.sign_in(person.email, person.password).expect(200)
        proxy.cut = side
        api.give_code(code).refused(503, "unavailable")
        proxy.cut = None
        api.sign_in(person.email, person.password).expect(200)
        api.give_code(code).expect(then)
        api.sign_in(person.email, person.password).expect(200)
        api.give_code(code).expect(401)
        assert len(person.api.sessions()["items"]) == 2  # no client has its token


@pytest.mark.parametrize("side, then", [("before", 200), ("after", 401)])
def test_recovery_code_is_accepted_at_most_once_when_the_commit_response_is_lost(
    side: Literal["before", "after"], then: int, fragile: Cluster, tmp_path: Path
) -> None:
    """The same holds as for codes, and the owner can still sign in with the authenticator."""
    url = fragile.database()
    with Proxy(fragile.port) as proxy, Service(tmp_path, database_url=through(proxy, fragile, url)) as service:
        person = Person.with_totp(service.url)
        assert person.recovery_code is not None
        api = person.another_browser()
        api.sign_in(person.email, person.password).expect(200)
        proxy.cut = side
        api.give_recovery_code(person.recovery_code).refused(503, "unavailable")
        proxy.cut = None
        api.sign_in(person.email, person.password).expect(200)
        api.give_recovery_code(person.recovery_code).expect(then)
        person.sign_in()


@contextmanager
def terminating(server: Cluster) -> Iterator[None]:
    """Terminate all connections of the service, as often as possible."""
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
    """Return the address of a database behind the proxy."""
    return url.replace(f":{server.port}/", f":{proxy.port}/")


def check_everything(service: Service, server: Cluster, workload: Workload, url: str | None = None) -> None:
    """Check that all acknowledged data and every account are there, and that the database is consistent."""
    known = {life.email for life in workload.runs if life.has_account}
    workload.check()
    assert known <= accounts(service)
    check_postgres(server, (url or service.settings["database_url"]).rpartition("/")[2])
