"""What arrives at a gateway under attack by the real API and pages never exceeds the caps."""

from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.support.phones import FROM_ONE_ADDRESS
from tests.support.recorder import Recorder
from tests.support.shifted import ShiftedService
from tests.support.spending_guard import neighbours
from tests.support.users import new_user, pass_time

PEOPLE = 10
UNLOCKED = 600  # seconds in which people who have just signed in may add phones
SPELLINGS = (
    "+44 7700 900123",
    "0044 7700 900-123",
    "tel:+44-7700-900123",
    "+４４７７００９００１２３",
    "(+44) 7700 900123",
)
APART = [f"+1555{number:03}0000" for number in range(1000)]


@pytest.fixture
def gateway() -> Iterator[Recorder]:
    """Yield the gateway, whose messages cost money."""
    with Recorder() as running:
        yield running


@pytest.mark.parametrize(
    "people, numbers, settings, most",
    [
        pytest.param(1, APART, FROM_ONE_ADDRESS, 10, id="one account"),
        pytest.param(PEOPLE, APART, {}, 10, id="one source"),
        pytest.param(PEOPLE, SPELLINGS, FROM_ONE_ADDRESS, 3, id="one number"),
        pytest.param(PEOPLE, neighbours(1000), FROM_ONE_ADDRESS, 60, id="one prefix"),
        # Half of the budget is reserved for the notices that these numbers get when they are removed.
        pytest.param(PEOPLE, APART, {**FROM_ONE_ADDRESS, "send_budget": "30"}, 15, id="whole service"),
    ],
)
def test_gateway_gets_no_more_than_the_cap_of_a_thousand_requests(
    people: int,
    numbers: list[str],
    settings: Mapping[str, str],
    most: int,
    gateway: Recorder,
    tmp_path: Path,
    *,
    full: bool,
) -> None:
    """One account after another requests codes for one number after another while settings are unlocked."""
    count = 1000 if full else 100
    shipped = {"sms_url": gateway.url, "phone_countries": "*"}
    with ShiftedService(tmp_path, settings={**shipped, **settings}) as service:
        asking = cycle([new_user(service) for _ in range(people)])
        let_through = 0
        for turn, number in enumerate(islice(cycle(numbers), count)):
            answer = next(asking).api.begin_phone("sms", number)
            let_through += answer.expect(201, 429, 503).status == 201
            pass_time(service, (turn + 1) * (UNLOCKED - 60) // count - turn * (UNLOCKED - 60) // count)
    assert let_through == len(gateway.taken) == most
