"""Behind PgBouncer in transaction mode, as it ships: everything works; an address that does not say so is refused."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from tests.clients import PASSWORD, Person
from tests.cluster import Cluster
from tests.contract.races import OPEN_LIMITS, race_for_a_code, race_for_a_recovery_code
from tests.faults.lives import Crowd
from tests.nodes.bouncer import Bouncer
from tests.nodes.other_programs import held
from tests.residents import protected
from tests.service import Service
from tests.shifted import ShiftedService


@pytest.fixture(scope="module")
def bouncer(cluster: Cluster) -> Iterator[Bouncer]:
    """PgBouncer before the server of all tests."""
    with Bouncer(cluster) as running:
        yield running


@pytest.fixture(scope="module")
def behind(bouncer: Bouncer, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of which every transaction may be on another connection."""
    url = bouncer.through(cluster.database())
    with ShiftedService(tmp_path_factory.mktemp("behind"), database_url=url, settings=OPEN_LIMITS) as service:
        yield service


def test_whole_lives_are_lived_behind_it(behind: Service) -> None:
    """Several people at once sign up, enrol, trust, sign out and recover; everything holds afterwards."""
    with Crowd(behind.url, people=4) as crowd:
        crowd.wait_for(40)
    assert crowd.refusals == 0
    crowd.check()


@pytest.mark.parametrize("race", [race_for_a_code, race_for_a_recovery_code])
def test_of_many_at_once_one_wins_behind_it(
    behind: Service,
    race: Callable[[Service], Iterator[int]],
    full: bool,  # noqa: FBT001 - a fixture
) -> None:
    """Row locks and conditional statements need no connection of one's own."""
    assert set(islice(race(behind), 20 if full else 1)) == {1}


def test_a_sign_out_is_seen_at_once_behind_it(behind: Service) -> None:
    """Whatever connection the next question goes to."""
    person = protected(behind)
    for _ in range(5):
        api = person.another_browser()
        person.sign_in(api)
        token = api.token
        with ThreadPoolExecutor(4) as side_by_side:
            assert {each.status for each in side_by_side.map(type(api).session, [api] * 16)} == {200}
        api.sign_out().must(204)
        api.token = token
        api.session().refused(401, "not_signed_in")


def test_statements_have_their_time_limits_behind_it(behind: Service, cluster: Cluster) -> None:
    """The limits go with each transaction: a held row is a 503 in bounded time, and no connection keeps the lock."""
    person = Person.signed_in(behind.url)
    direct = cluster.url(behind.settings["database_url"].rpartition("/")[2].partition("?")[0])
    with held(direct, person.email):
        person.another_browser().sign_in(person.email, PASSWORD).refused(503, "unavailable")
    person.another_browser().sign_in(person.email, PASSWORD).must(200)


def test_nothing_is_left_on_its_connections(behind: Service, cluster: Cluster) -> None:
    """No advisory lock, no open transaction and no prepared statement outlives its transaction."""
    assert behind.is_healthy("/readyz")
    assert cluster.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"
    idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    assert cluster.sql(idle) == "0"


def test_an_address_that_does_not_say_so_is_refused_in_one_sentence(
    bouncer: Bouncer, cluster: Cluster, tmp_path: Path
) -> None:
    """Without the option the service does not start, and says what to add."""
    service = Service(tmp_path, database_url=bouncer.through(cluster.database(), ""))
    done = service.command("migrate")
    assert done.returncode == 1
    assert "?statement_cache_size=0" in done.stderr
    assert "Traceback" not in done.stderr
