"""A node whose clock differs from the database's refuses requests, reports it in `/readyz`, and recovers."""

import re
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.nodes.conftest import shared
from tests.support.clients import Api, Person
from tests.support.cluster import Cluster
from tests.support.service import Service

NOTICED_WITHIN = 10.0  # seconds; nodes check every five


@pytest.fixture(scope="module")
def nodes(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    """Yield a node with the right time, and one with a movable clock."""
    url, settings = cluster.database(), shared()
    folder = tmp_path_factory.mktemp("clocks")
    right = Service(folder / "right", database_url=url, settings=settings)
    moved = Service(folder / "moved", database_url=url, settings=settings, movable_clock=True)
    with right, moved:
        yield right, moved


def checks(service: Service) -> dict[str, str]:
    """Return the checks that `/readyz` reports."""
    found: dict[str, str] = httpx2.get(f"{service.url}/readyz", timeout=30, trust_env=False).json()["checks"]
    return found


def wait_for(service: Service, clock: str) -> None:
    """Wait until `/readyz` reports this result for the clock."""
    give_up_at = time.monotonic() + NOTICED_WITHIN
    while checks(service)["clock"] != clock:
        assert time.monotonic() < give_up_at, f"the clock is not {clock}:\n{service.output()}"
        time.sleep(0.1)


def test_node_with_a_wrong_clock_refuses_requests_until_it_is_corrected(nodes: tuple[Service, Service]) -> None:
    """`/readyz` gives the reason, the log has one line, every route answers 503, and other nodes keep serving."""
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
    person.another_browser().sign_in(person.email).expect(200)
    moved.move_clock(0)
    wait_for(moved, "ok")
    there.session().expect(200)


def test_clock_skew_of_a_few_seconds_is_tolerated(nodes: tuple[Service, Service]) -> None:
    """A difference of three seconds refuses no request."""
    _, moved = nodes
    moved.move_clock(3)
    time.sleep(2.5)  # a result is kept for two
    assert checks(moved) == {"clock": "ok", "database": "ok"}
    moved.move_clock(0)


def test_node_started_with_a_wrong_clock_waits_until_it_is_corrected(nodes: tuple[Service, Service]) -> None:
    """Until then, it does not even renew the first administrator's link."""
    _, moved = nodes
    moved.stop()
    moved.move_clock(-3600)
    moved.start()
    assert checks(moved) == {"clock": "fail"}
    assert "/setup/" not in moved.output()
    Api(moved.url).sign_in("ann@example.com").refused(503, "unavailable")
    moved.move_clock(0)
    wait_for(moved, "ok")
