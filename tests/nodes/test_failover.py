"""When the primary fails under load, its synchronous standby loses no acknowledged write and accepts no used code."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tests.support.cluster import Cluster
from tests.support.health import accounts, check_postgres, slowness, wait_until_not_ready
from tests.support.outages import paused
from tests.support.programs import need
from tests.support.service import Service
from tests.support.standby import Standby, both
from tests.support.workload import Workload

BACK_WITHIN = 10.0  # seconds after the promotion


def killed(primary: Cluster) -> AbstractContextManager[None]:
    """Kill the primary, so that its connections are refused."""
    primary.kill()
    return nullcontext()


def test_promoted_standby_keeps_every_session_and_used_code(
    tmp_path: Path,
    full: bool,  # noqa: FBT001 - a fixture
) -> None:
    """Service resumes within ten seconds after the primary is killed or disconnected."""
    need("postgres")
    for number, end in enumerate([killed, paused] * 5 if full else [killed]):
        fail_over(end, tmp_path / str(number))


def fail_over(end: Callable[[Cluster], AbstractContextManager[None]], folder: Path) -> None:
    """Fail the primary over to its standby under load, and check everything."""
    with Cluster() as primary:
        primary.database("twofold")
        with Standby(primary) as standby, Service(folder, database_url=both(primary, standby, "twofold")) as service:
            standby.follow()
            with Workload(service.url, people=4) as workload:
                workload.wait_for(40)
                with end(primary):  # to promote a standby is also to keep the old primary from returning
                    wait_until_not_ready(service)
                    standby.promote()
                    promoted = time.monotonic()
                    workload.wait_for(1)
                    took = time.monotonic() - promoted
                    workload.wait_for(40)
                    workload.end()
                    check_everything(service, standby, workload)
            assert took < BACK_WITHIN * slowness() ** 0.5, f"back after {took:.1f} s"


def check_everything(service: Service, standby: Standby, workload: Workload) -> None:
    """Check that all acknowledged data and every account are there, and that the new primary is consistent."""
    known = {life.email for life in workload.runs if life.has_account}
    workload.check()
    assert known <= accounts(service)
    check_postgres(standby, "twofold")
