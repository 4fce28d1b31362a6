"""What really arrives at a gateway when somebody makes us send: never more than the caps, through the real doors."""

from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.factors.guard import neighbours
from tests.phones import FROM_ONE_ADDRESS
from tests.recorder import Recorder
from tests.residents import pass_time, resident
from tests.shifted import ShiftedService

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
    """The gateway that sends an invoice."""
    with Recorder() as running:
        yield running


@pytest.mark.parametrize(
    "people, numbers, settings, most",
    [
        pytest.param(1, APART, FROM_ONE_ADDRESS, 10, id="one account"),
        pytest.param(PEOPLE, APART, {}, 10, id="one source"),
        pytest.param(PEOPLE, SPELLINGS, FROM_ONE_ADDRESS, 3, id="one number"),
        pytest.param(PEOPLE, neighbours(1000), FROM_ONE_ADDRESS, 60, id="one prefix"),
        pytest.param(PEOPLE, APART, {**FROM_ONE_ADDRESS, "send_budget": "30"}, 30, id="whole service"),
    ],
)
def test_a_thousand_sends_reach_the_gateway_as_often_as_the_cap_allows(
    people: int,
    numbers: list[str],
    settings: Mapping[str, str],
    most: int,
    gateway: Recorder,
    tmp_path: Path,
    *,
    full: bool,
) -> None:
    """One person after another asks for one number after another, as long as settings stay unlocked."""
    count = 1000 if full else 100
    shipped = {"sms_url": gateway.url, "phone_countries": "*"}
    with ShiftedService(tmp_path, settings={**shipped, **settings}) as service:
        asking = cycle([resident(service) for _ in range(people)])
        let_through = 0
        for turn, number in enumerate(islice(cycle(numbers), count)):
            answer = next(asking).api.begin_phone("sms", number)
            let_through += answer.must(201, 429, 503).status == 201
            pass_time(service, (turn + 1) * (UNLOCKED - 60) // count - turn * (UNLOCKED - 60) // count)
    assert let_through == len(gateway.taken) == most
