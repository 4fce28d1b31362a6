"""A node whose clock is not the database's answers nobody, says so to the load balancer, and goes on by itself."""

import re
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.clients import Api, Person
from tests.cluster import Cluster
from tests.nodes.conftest import shared
from tests.service import Service

NOTICED_WITHIN = 10.0  # seconds; the node looks every five


@pytest.fixture(scope="module")
def nodes(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    """A node with the right time, and one whose clock can be moved."""
    url, settings = cluster.database(), shared()
    folder = tmp_path_factory.mktemp("clocks")
    right = Service(folder / "right", database_url=url, settings=settings)
    moved = Service(folder / "moved", database_url=url, settings=settings, movable_clock=True)
    with right, moved:
        yield right, moved


def checks(service: Service) -> dict[str, str]:
    """What `/readyz` tells."""
    told: dict[str, str] = httpx2.get(f"{service.url}/readyz", timeout=30, trust_env=False).json()["checks"]
    return told


def wait_for(service: Service, clock: str) -> None:
    """Returns when `/readyz` tells this of the clock."""
    give_up_at = time.monotonic() + NOTICED_WITHIN
    while checks(service)["clock"] != clock:
        assert time.monotonic() < give_up_at, f"the clock is not {clock}:\n{service.output()}"
        time.sleep(0.1)


def test_a_node_whose_clock_is_off_answers_nobody_and_heals(nodes: tuple[Service, Service]) -> None:
    """Red with the reason, one line in the log, 503 at every door; the others go on, and so does it afterwards."""
    right, moved = nodes
    person = Person.signed_in(right.url)
    moved.move_clock(8)
    wait_for(moved, "fail")
    there = Api(moved.url)
    there.sign_in(person.email).refused(503, "unavailable")
    there.token = person.api.token
    there.session().refused(503, "unavailable")
    assert moved.is_healthy("/healthz")
    moved.wait_for_output(re.compile(r"this clock is \d+ seconds ahead of the database's"))
    assert right.is_healthy("/readyz")
    person.another_browser().sign_in(person.email).must(200)
    moved.move_clock(0)
    wait_for(moved, "ok")
    there.session().must(200)


def test_a_few_seconds_are_nothing(nodes: tuple[Service, Service]) -> None:
    """Clocks that are kept differ a little: three seconds shut no door."""
    _, moved = nodes
    moved.move_clock(3)
    time.sleep(2.5)  # a finding is kept for two
    assert checks(moved) == {"clock": "ok", "database": "ok"}
    moved.move_clock(0)


def test_a_node_that_starts_with_a_wrong_clock_waits_for_the_right_one(nodes: tuple[Service, Service]) -> None:
    """It starts, does nothing, not even renew the first administrator's link, and heals."""
    _, moved = nodes
    moved.stop()
    moved.move_clock(-3600)
    moved.start()
    assert checks(moved) == {"clock": "fail"}
    assert "/setup/" not in moved.output()
    Api(moved.url).sign_in("ann@example.com").refused(503, "unavailable")
    moved.move_clock(0)
    wait_for(moved, "ok")
