"""Waits double, a courier in trouble is left in peace, and its health has three names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.couriers.rules import LEASE, ROUND, Breaker, health, wait_after


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    """A code of five minutes is tried about seven times, a mail for as long as it is worth something."""
    assert [wait_after(tries) for tries in range(1, 12)] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert wait_after(10**9) == 900


def test_a_round_is_over_before_anybody_has_waited_ten_seconds_and_well_before_its_lease() -> None:
    """Nobody else may claim a message that is still being tried."""
    assert ROUND < 10
    assert LEASE > 2 * ROUND


def failed(times: int, now: float = 0.0) -> Breaker:
    """A courier that failed so often."""
    breaker = Breaker()
    for _ in range(times):
        assert breaker.lets_through(now)
        breaker.bad(now)
    return breaker


def test_two_failures_are_nothing_and_the_third_gives_rest() -> None:
    """From then on nothing goes through for fifteen seconds."""
    assert not failed(2).down
    breaker = failed(3)
    assert breaker.down
    assert [breaker.lets_through(now) for now in (0.0, 14.9, 15.0, 15.0)] == [False, False, True, False]


def test_after_its_rest_one_message_tries_and_decides() -> None:
    """Taken, all go through; failed, the rest doubles, up to five minutes."""
    breaker = failed(3)
    now, rests = 0.0, []
    for _ in range(6):
        begun = now
        while not breaker.lets_through(now):
            now += 1
        rests.append(now - begun)
        breaker.bad(now)
    assert rests == [15, 30, 60, 120, 240, 300]
    while not breaker.lets_through(now):
        now += 1
    breaker.good()
    assert all(breaker.lets_through(now) for _ in range(5))
    assert not breaker.down


@given(st.lists(st.sampled_from(["good", "bad", "wait"]), max_size=60))
def test_no_courier_is_ever_left_alone_for_good(story: list[str]) -> None:
    """Whatever happened, five minutes later a message may try."""
    breaker, now = Breaker(), 0.0
    for event in story:
        now += 40 if event == "wait" else 0
        if event != "wait" and breaker.lets_through(now):
            breaker.good() if event == "good" else breaker.bad(now)
    assert breaker.lets_through(now + 300)


@pytest.mark.parametrize(
    "down, name", [([False], "ok"), ([False, False], "ok"), ([True, False], "degraded"), ([True, True], "fail")]
)
def test_the_health_of_a_channel_has_three_names(down: list[bool], name: str) -> None:
    """While one courier works, messages go out."""
    assert health(failed(3 if each else 0) for each in down) == name
