"""Races about people: one owner remains, a username has one account, and is never given to another account."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.account_races import RACES, Race, broken
from tests.support.cluster import Cluster
from tests.support.in_process import nodes_on
from twofold.base.database import UniqueViolation
from twofold.base.unit_of_work import Runner

pytestmark = pytest.mark.anyio


@pytest.fixture
async def nodes(tmp_path: Path, database_url: str) -> AsyncIterator[list[Runner]]:
    """Yield two nodes on one database."""
    async with nodes_on(tmp_path, database_url) as opened:
        yield opened


@pytest.mark.parametrize("race", RACES)
async def test_right_number_of_simultaneous_changes_succeeds(nodes: list[Runner], race: Race, *, full: bool) -> None:
    """Exactly the right number succeeds in every round, by all interfaces and on both nodes."""
    for number in range(200 if full else 5):
        assert await race(nodes) == RACES[race], f"round {number}"


@pytest.mark.parametrize("race", RACES)
async def test_races_fail_against_a_build_that_checks_first(
    race: Race, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails on PostgreSQL, where transactions run in parallel; each round detects it half of the time."""
    broken(monkeypatch)
    async with nodes_on(tmp_path, cluster.database()) as nodes:
        for _ in range(12):
            try:
                left = await race(nodes)
            except UniqueViolation:  # two accounts with one username, which the database finally refuses
                return
            if left != RACES[race]:
                return
    pytest.fail("twelve rounds found nothing wrong")
