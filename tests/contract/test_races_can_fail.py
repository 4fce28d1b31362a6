"""The proof of the races: against a build that checks and then writes, the same checks count more than one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.contract.test_races import AT_ONCE, OPEN_LIMITS, half_open_sign_ins, offer_code, told
from tests.residents import protected
from tests.service import Service
from tests.sync import json_request, release_together

BROKEN = Path(__file__).with_name("broken_build.py")


@pytest.fixture(scope="module")
def broken(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The broken build on PostgreSQL, where transactions stand side by side."""
    folder = tmp_path_factory.mktemp("broken")
    launcher = [sys.executable, str(BROKEN)]
    with Service(folder, database_url=cluster.database(), launcher=launcher, settings=OPEN_LIMITS) as running:
        yield running


def test_the_race_of_codes_sees_a_code_taken_twice(broken: Service) -> None:
    """One code at once is taken more than once by the broken build."""
    person = protected(broken)
    answers = offer_code(person, half_open_sign_ins(person, AT_ONCE), person.code())
    assert told(answers)["200"] > 1


def test_the_race_of_recovery_codes_sees_a_code_taken_twice(broken: Service) -> None:
    """One recovery code at once is taken more than once by the broken build."""
    person = protected(broken)
    bodies = [{"sign_in": each, "recovery_code": person.recovery_code} for each in half_open_sign_ins(person, AT_ONCE)]
    answers = release_together(
        person.url, [json_request(person.url, "/sign-in/recovery-code", body) for body in bodies]
    )
    assert told(answers)["200"] > 1
