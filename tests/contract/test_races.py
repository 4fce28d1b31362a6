"""Races: nothing is used more often than once, and no more attempts are compared than limits allow."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD
from tests.support.phones import phone_user
from tests.support.races import (
    OPEN_LIMITS,
    RACES,
    half_open_sign_ins,
    race_against_the_limit,
    race_for_the_first_administrator,
    rounds,
    tally,
)
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.sync import json_request, release_together


@pytest.fixture(scope="module", params=DATABASES)
def unlimited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server without effective limits and with a movable clock."""
    folder = tmp_path_factory.mktemp("unlimited")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings=OPEN_LIMITS) as running:
        yield running


@pytest.mark.parametrize("prize", RACES)
def test_one_of_many_simultaneous_uses_succeeds(unlimited: Service, prize: str, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Exactly one of many simultaneous uses succeeds, in every round."""
    for succeeded in islice(RACES[prize](unlimited), rounds(full)):
        assert succeeded == 1


@pytest.mark.parametrize("kind", DATABASES)
def test_first_link_creates_one_administrator(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, *, full: bool
) -> None:
    """One of many simultaneous uses of the first link creates an administrator; each round has its own service."""
    for number in range(rounds(full) if full else 5):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Service(folder, database_url=new_database(kind, request, folder)) as fresh:
            assert race_for_the_first_administrator(fresh) == 1


def test_simultaneous_sign_ups_with_one_address_create_one_account(unlimited: Service) -> None:
    """Many simultaneous sign-ups with one address create one account, and the others get a conflict."""
    body = {"email": "twins@example.com", "password": PASSWORD}
    answers = release_together(unlimited.url, [json_request(unlimited.url, "/accounts", body)] * 16)
    assert tally(answers)["201"] == 1
    assert set(tally(answers)) <= {"201", "409 conflict", "503 unavailable"}


def test_simultaneous_requests_for_a_code_send_one(unlimited: Service) -> None:
    """When twenty sign-ins of one person request a code at once, one message is sent and the others wait (G03)."""
    person = phone_user(unlimited)
    bodies = [{"sign_in": each, "factor_id": person.phone_id} for each in half_open_sign_ins(person, 20)]
    requests = [json_request(person.url, "/sign-in/code/send", body) for body in bodies]
    assert tally(release_together(person.url, requests)) == {"202": 1, "429 too_many_attempts": 19}
    assert len(person.phone.messages()) == 2


@pytest.mark.parametrize("right", [True, False], ids=["the same right code", "different wrong codes"])
def test_simultaneous_codes_are_compared_up_to_the_limit(moving: Service, *, right: bool, full: bool) -> None:
    """With the default limits, five of fifty simultaneous codes are compared, and the others refused unseen."""
    for _ in range(1 if right else rounds(full)):
        compared, won = race_against_the_limit(moving, right=right)
        assert compared <= 5
        assert won == (1 if right else 0)
