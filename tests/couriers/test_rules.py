"""Waits double, a failing courier is paused, and a channel's health has three values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.couriers.rules import LEASE, ROUND, Breaker, health, retry_delay


def test_retry_delay_doubles_up_to_fifteen_minutes() -> None:
    """A code of five minutes is tried about seven times, and a mail until it expires."""
    assert [retry_delay(tries) for tries in range(1, 12)] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert retry_delay(10**9) == 900


def test_round_ends_within_ten_seconds_and_before_its_lease() -> None:
    """No other node may claim a message that is still being tried."""
    assert ROUND < 10
    assert LEASE > 2 * ROUND


def failed(times: int, now: float = 0.0) -> Breaker:
    """Return a courier that has failed so often."""
    breaker = Breaker()
    for _ in range(times):
        assert breaker.permits(now)
        breaker.record_failure(now)
    return breaker


def test_third_failure_pauses_a_courier() -> None:
    """The courier then gets no message for fifteen seconds."""
    assert not failed(2).down
    breaker = failed(3)
    assert breaker.down
    assert [breaker.permits(now) for now in (0.0, 14.9, 15.0, 15.0)] == [False, False, True, False]


def test_one_message_decides_whether_a_paused_courier_resumes() -> None:
    """If it succeeds, all messages are sent; if it fails, the pause doubles, up to five minutes."""
    breaker = failed(3)
    now, rests = 0.0, []
    for _ in range(6):
        begun = now
        while not breaker.permits(now):
            now += 1
        rests.append(now - begun)
        breaker.record_failure(now)
    assert rests == [15, 30, 60, 120, 240, 300]
    while not breaker.permits(now):
        now += 1
    breaker.record_success()
    assert all(breaker.permits(now) for _ in range(5))
    assert not breaker.down


@given(st.lists(st.sampled_from(["good", "bad", "wait"]), max_size=60))
def test_courier_is_never_paused_for_more_than_five_minutes(story: list[str]) -> None:
    """After any sequence of failures, a message can be tried five minutes later."""
    breaker, now = Breaker(), 0.0
    for event in story:
        now += 40 if event == "wait" else 0
        if event != "wait" and breaker.permits(now):
            breaker.record_success() if event == "good" else breaker.record_failure(now)
    assert breaker.permits(now + 300)


@pytest.mark.parametrize(
    "down, name", [([False], "ok"), ([False, False], "ok"), ([True, False], "degraded"), ([True, True], "fail")]
)
def test_channel_health_is_ok_degraded_or_down(down: list[bool], name: str) -> None:
    """Messages are sent while one courier works."""
    assert health(failed(3 if each else 0) for each in down) == name
