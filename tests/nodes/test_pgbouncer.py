"""Everything works through PgBouncer in transaction mode, which the database URL must declare."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from tests.support.bouncer import Bouncer
from tests.support.clients import PASSWORD, Person
from tests.support.cluster import Cluster
from tests.support.other_programs import row_locked
from tests.support.races import OPEN_LIMITS, race_for_a_code, race_for_a_recovery_code
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.users import protected
from tests.support.workload import Workload


@pytest.fixture(scope="module")
def bouncer(cluster: Cluster) -> Iterator[Bouncer]:
    """Yield PgBouncer in front of the shared server."""
    with Bouncer(cluster) as running:
        yield running


@pytest.fixture(scope="module")
def behind(bouncer: Bouncer, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service whose transactions may each use another connection."""
    url = bouncer.through(cluster.database())
    with ShiftedService(tmp_path_factory.mktemp("behind"), database_url=url, settings=OPEN_LIMITS) as service:
        yield service


def test_full_flow_works_through_pgbouncer(behind: Service) -> None:
    """Several users sign up, enrol, trust, sign out and recover at once, and all of it lasts."""
    with Workload(behind.url, people=4) as workload:
        workload.wait_for(40)
    assert workload.refusals == 0
    workload.check()


@pytest.mark.parametrize("race", [race_for_a_code, race_for_a_recovery_code])
def test_one_of_many_concurrent_requests_wins_through_pgbouncer(
    behind: Service,
    race: Callable[[Service], Iterator[int]],
    full: bool,  # noqa: FBT001 - a fixture
) -> None:
    """Row locks and conditional statements need no dedicated connection."""
    assert set(islice(race(behind), 20 if full else 1)) == {1}


def test_sign_out_takes_effect_at_once_through_pgbouncer(behind: Service) -> None:
    """The next request may use any connection."""
    person = protected(behind)
    for _ in range(5):
        api = person.another_browser()
        person.sign_in(api)
        token = api.token
        with ThreadPoolExecutor(4) as side_by_side:
            assert {each.status for each in side_by_side.map(type(api).session, [api] * 16)} == {200}
        api.sign_out().expect(204)
        api.token = token
        api.session().refused(401, "not_signed_in")


def test_statement_timeouts_apply_through_pgbouncer(behind: Service, cluster: Cluster) -> None:
    """They are set in each transaction: a locked row causes a 503, and no connection keeps a lock."""
    person = Person.signed_in(behind.url)
    direct = cluster.url(behind.settings["database_url"].rpartition("/")[2].partition("?")[0])
    with row_locked(direct, person.email):
        person.another_browser().sign_in(person.email, PASSWORD).refused(503, "unavailable")
    person.another_browser().sign_in(person.email, PASSWORD).expect(200)


def test_no_state_is_left_on_pgbouncer_connections(behind: Service, cluster: Cluster) -> None:
    """This covers advisory locks, open transactions and prepared statements."""
    assert behind.is_healthy("/readyz")
    assert cluster.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"
    idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    assert cluster.sql(idle) == "0"


def test_pgbouncer_address_without_the_pooler_option_is_refused(
    bouncer: Bouncer, cluster: Cluster, tmp_path: Path
) -> None:
    """The service does not start, and the error names the option."""
    service = Service(tmp_path, database_url=bouncer.through(cluster.database(), ""))
    done = service.command("migrate")
    assert done.returncode == 1
    assert "?statement_cache_size=0" in done.stderr
    assert "Traceback" not in done.stderr
