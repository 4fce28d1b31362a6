"""The proof of the races: against a build that checks and then writes, more than one wins."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.contract.races import OPEN_LIMITS, RACES, race_against_the_limit, race_for_the_first_administrator
from tests.service import Service
from tests.shifted import ShiftedService

BROKEN = Path(__file__).with_name("broken_build.py")
LOCKED_TWICE = {"a sent code that unlocks"}  # who comes second has an old session token, too


@pytest.fixture(scope="module")
def broken(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The broken build on PostgreSQL, where transactions stand side by side; its limits too wide to decide anything."""
    with broken_service(cluster, tmp_path_factory.mktemp("broken"), OPEN_LIMITS) as running:
        yield running


def broken_service(cluster: Cluster, folder: Path, settings: dict[str, str]) -> Service:
    """The broken build."""
    return ShiftedService(folder, database_url=cluster.database(), launcher=BROKEN, settings=settings)


@pytest.mark.parametrize("prize", sorted(RACES.keys() - LOCKED_TWICE))
def test_more_than_one_wins_against_the_broken_build(broken: Service, prize: str) -> None:
    """Each race sees what it is there to see."""
    assert any(won > 1 for won in islice(RACES[prize](broken), 5))


def test_the_broken_build_makes_two_first_administrators(cluster: Cluster, tmp_path: Path) -> None:
    """One link makes more than one administrator."""
    with broken_service(cluster, tmp_path, {}) as fresh:
        assert race_for_the_first_administrator(fresh) > 1


def test_the_broken_build_compares_more_than_the_limit(cluster: Cluster, tmp_path: Path) -> None:
    """Tries that nobody holds one after another are compared beyond the limit."""
    with broken_service(cluster, tmp_path, {}) as shipped:
        compared, _ = race_against_the_limit(shipped, right=False)
    assert compared > 5
