"""Many at the same moment: what is good once is taken once, and no more is compared than the limit allows."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.clients import PASSWORD
from tests.conftest import DATABASES, new_database
from tests.contract.races import (
    OPEN_LIMITS,
    RACES,
    half_open_sign_ins,
    race_against_the_limit,
    race_for_the_first_administrator,
    rounds,
    told,
)
from tests.phones import caller
from tests.service import Service
from tests.shifted import ShiftedService
from tests.sync import json_request, release_together


@pytest.fixture(scope="module", params=DATABASES)
def unlimited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server, its limits too wide to decide anything, its clock movable."""
    folder = tmp_path_factory.mktemp("unlimited")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings=OPEN_LIMITS) as running:
        yield running


@pytest.mark.parametrize("prize", RACES)
def test_of_many_at_once_one_wins(unlimited: Service, prize: str, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Whatever is good once is taken once, in every round."""
    assert set(islice(RACES[prize](unlimited), rounds(full))) == {1}


@pytest.mark.parametrize("kind", DATABASES)
def test_one_first_link_makes_one_administrator(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, *, full: bool
) -> None:
    """Of many people with the same first link one is administrator; a service for each round."""
    for number in range(rounds(full)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Service(folder, database_url=new_database(kind, request, folder)) as fresh:
            assert race_for_the_first_administrator(fresh) == 1


def test_one_address_at_once_makes_one_account(unlimited: Service) -> None:
    """Many sign-ups with one address at the same moment: one account, the rest are told of a conflict."""
    body = {"email": "twins@example.com", "password": PASSWORD}
    answers = release_together(unlimited.url, [json_request(unlimited.url, "/accounts", body)] * 16)
    assert told(answers)["201"] == 1
    assert set(told(answers)) <= {"201", "409 conflict", "503 unavailable"}


def test_of_many_requests_for_a_code_one_is_sent(unlimited: Service) -> None:
    """Twenty sign-ins of one person ask at the same moment: one message goes out, the others wait their time (G03)."""
    person = caller(unlimited)
    bodies = [{"sign_in": each, "factor_id": person.phone_id} for each in half_open_sign_ins(person, 20)]
    requests = [json_request(person.url, "/sign-in/code/send", body) for body in bodies]
    assert told(release_together(person.url, requests)) == {"202": 1, "429 too_many_attempts": 19}
    assert len(person.phone.messages()) == 2


@pytest.mark.parametrize("right", [True, False], ids=["the same right code", "different wrong codes"])
def test_no_more_are_compared_at_once_than_the_limit_allows(moving: Service, *, right: bool, full: bool) -> None:
    """As shipped, of fifty codes at the same moment five are compared; the rest are refused unseen."""
    for _ in range(1 if right else rounds(full)):
        compared, won = race_against_the_limit(moving, right=right)
        assert compared <= 5
        assert won == (1 if right else 0)
