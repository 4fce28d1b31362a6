"""The primary dies under load, its synchronous standby takes over: nothing acknowledged is lost, no code good twice."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tests.cluster import Cluster
from tests.faults.health import accounts, check_postgres, slowness, wait_until_not_ready
from tests.faults.lives import Crowd
from tests.faults.outages import paused
from tests.nodes.standby import Standby, both
from tests.parts import need
from tests.service import Service

BACK_WITHIN = 10.0  # seconds after the promotion


def killed(primary: Cluster) -> AbstractContextManager[None]:
    """The machine is gone: who asks is refused."""
    primary.kill()
    return nullcontext()


def test_a_standby_that_is_promoted_goes_on_where_the_primary_ended(
    tmp_path: Path,
    full: bool,  # noqa: FBT001 - a fixture
) -> None:
    """Killed, or mute behind a broken network: back within ten seconds, with every session and every spent code."""
    need("postgres")
    for number, end in enumerate([killed, paused] * 5 if full else [killed]):
        fail_over(end, tmp_path / str(number))


def fail_over(end: Callable[[Cluster], AbstractContextManager[None]], folder: Path) -> None:
    """One primary's end."""
    with Cluster() as primary:
        primary.database("twofold")
        with Standby(primary) as standby, Service(folder, database_url=both(primary, standby, "twofold")) as service:
            standby.follow()
            with Crowd(service.url, people=4) as crowd:
                crowd.wait_for(40)
                with end(primary):  # whoever promotes a standby sees to it that the old primary does not come back
                    wait_until_not_ready(service)
                    standby.promote()
                    promoted = time.monotonic()
                    crowd.wait_for(1)
                    took = time.monotonic() - promoted
                    crowd.wait_for(40)
                    crowd.end()
                    check_everything(service, standby, crowd)
            assert took < BACK_WITHIN * slowness() ** 0.5, f"back after {took:.1f} s"


def check_everything(service: Service, standby: Standby, crowd: Crowd) -> None:
    """Every life is as it was acknowledged, every account is there, and the new primary is whole."""
    known = {life.email for life in crowd.lives if life.has_account}
    crowd.check()
    assert known <= accounts(service)
    check_postgres(standby, "twofold")
