"""The rules of the send limits: waits grow and end, no window overflows, and honest users do not look like fraud."""

from collections.abc import Sequence
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.config import Rate
from twofold.factors.phone.sendlimits import rules
from twofold.factors.phone.sendlimits.rules import (
    BudgetAlert,
    Conversion,
    Limits,
    Past,
    Sent,
    TooManySends,
    budget_alert,
    in_force,
    is_unusual,
    next_send_at,
)

NOW = 1_800_000_000
SHIPPED = Limits((Rate(3, 600), Rate(5, 3600)), (Rate(10, 86400),), (Rate(10, 3600),))
OPEN = Limits(*[(Rate(10**6, 60),)] * 3)

some_rates = st.lists(st.builds(Rate, st.integers(1, 5), st.integers(1, 5000)), min_size=1, max_size=2)
some_limits = st.builds(Limits, some_rates, some_rates, some_rates)
pauses = st.lists(st.tuples(st.integers(0, 1500), st.booleans()), max_size=40)


def send_often(asks: Sequence[tuple[int, bool]], limits: Limits) -> tuple[list[Sent], Past, int]:
    """Request codes after each pause, use them or not, and return those sent, what is remembered, and the last time."""
    sent: list[Sent] = []
    now = NOW
    for pause, use in asks:
        now += pause
        if next_send_at(past_of(sent), limits, now) == now:
            sent.append(Sent(now, use))
    return sent, past_of(sent), now


def past_of(sent: Sequence[Sent]) -> Past:
    """Return what the guard remembers of one number, account and source."""
    unused = tuple(each.at for each in sent if not each.used)
    return Past(tuple(sent), unused, unused)


# ------------------------------------------------------------------ limits and waits


@given(asks=pauses, limits=some_limits)
def test_no_window_ever_holds_more_than_its_limit(asks: list[tuple[int, bool]], limits: Limits) -> None:
    """This holds for all codes to a number, and for unused codes of an account or a source."""
    sent, _, _ = send_often(asks, limits)
    unused = [each for each in sent if not each.used]
    for counted, rates in ((sent, limits.number), (unused, limits.account), (unused, limits.source)):
        for rate in rates:
            for first in counted:
                assert sum(first.at <= each.at < first.at + rate.seconds for each in counted) <= rate.count


@given(asks=pauses, limits=some_limits)
def test_announced_time_is_the_first_at_which_a_code_is_sent(asks: list[tuple[int, bool]], limits: Limits) -> None:
    """It is exact, so that pages can show it."""
    _, past, now = send_often(asks, limits)
    told = next_send_at(past, limits, now)
    assert told >= now
    if told > now:
        assert next_send_at(past, limits, told - 1) == told
        assert next_send_at(past, limits, told) == told


@given(asks=pauses, limits=some_limits)
def test_announced_wait_is_the_required_one(asks: list[tuple[int, bool]], limits: Limits) -> None:
    """The wait announced with a code is the one required before the next."""
    _, past, now = send_often(asks, limits)
    announced = next_send_at(past.with_send(now), limits, now)
    assert announced >= now + rules.RESEND.first or announced > now


def test_waits_begin_at_thirty_seconds_and_double_to_ten_minutes() -> None:
    """A slow text has time to arrive, and no wait exceeds the shortest window."""
    past, now, waits = Past(), NOW, []
    for _ in range(8):
        past = past.with_send(now)
        waits.append(next_send_at(past, OPEN, now) - now)
        now += waits[-1]
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]


@pytest.mark.parametrize("sent", [[Sent(NOW, True)], [Sent(NOW - 9, False), Sent(NOW, True)]])
def test_used_code_ends_the_wait(sent: list[Sent]) -> None:
    """The next code is for another purpose."""
    assert next_send_at(Past(tuple(sent)), OPEN, NOW) == NOW


def test_waits_reset_after_a_quiet_hour() -> None:
    """Unused codes from last week do not delay today's."""
    old = tuple(Sent(NOW - 5000 + 60 * number) for number in range(9))
    assert next_send_at(Past((*old, Sent(NOW))), OPEN, NOW) == NOW + 30


def test_default_limits_hold_for_constant_requests() -> None:
    """Requests every second for two hours, without using a code, get three in ten minutes and five an hour."""
    sent, _, _ = send_often([(1, False)] * 7200, SHIPPED)
    begun = sent[0].at
    assert [each.at - begun for each in sent] == [0, 30, 90, 600, 840, 3600, 4200, 4800, 5400, 6000]
    assert sum(each.at - begun < 600 for each in sent) == 3
    assert sum(each.at - begun < 3600 for each in sent) == 5


def test_used_codes_do_not_count_against_account_and_source() -> None:
    """Twelve sign-ins a day from one office, each with a used code, are not limited."""
    sent, _, _ = send_often([(1900, True)] * 12, SHIPPED)
    assert len(sent) == 12


@pytest.mark.parametrize("jump", [-(10**9), -3600, 3600, 10**9])
def test_no_clock_jump_makes_a_wait_longer_than_a_window(jump: int) -> None:
    """This holds for jumps of an hour or decades, in either direction."""
    _, past, now = send_often([(1, False)] * 400, SHIPPED)
    assert next_send_at(past, SHIPPED, now + jump) <= now + jump + 86_400 + 60


@pytest.mark.parametrize(
    "wait, said",
    [
        (1, "in 1 second."),
        (30, "in 30 seconds."),
        (120, "in 120 seconds."),
        (121, "in 3 minutes."),
        (86400, "1440 min"),
    ],
)
def test_wait_is_shown_as_a_duration(wait: int, said: str) -> None:
    """Programs get a time, users a number of seconds or minutes."""
    problem = TooManySends(retry_at=NOW + wait, now=NOW)
    assert said in problem.detail
    assert problem.as_json()["code"] == "too_many_attempts"
    assert problem.status == 429
    assert problem.wait == wait


# ------------------------------------------------------------------ the watch

counts = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda pair: (max(pair), min(pair)))


@given(ripe=counts, young=counts)
def test_codes_are_not_unusual_if_a_fifth_is_used(ripe: tuple[int, int], young: tuple[int, int]) -> None:
    """This holds for any number of codes."""
    (sent, used), (more, more_used) = ripe, young
    seen = Conversion(
        sent, max(used, -(-sent // 5)), sent + more, max(used, -(-sent // 5)) + max(more_used, -(-more // 5))
    )
    assert not is_unusual(seen, rules.PREFIX_LEAST)


@given(sent=st.integers(0, 19), young=st.integers(0, 40))
def test_few_codes_are_never_unusual(sent: int, young: int) -> None:
    """A small village is not blocked, even if all of its codes are late."""
    assert not is_unusual(Conversion(sent, 0, sent + young, 0), rules.PREFIX_LEAST)


@given(sent=st.integers(20, 10**6), used=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_many_codes_are_unusual_if_few_are_used(sent: int, used: int, more: int) -> None:
    """This holds whatever becomes of recent codes."""
    assert is_unusual(Conversion(sent, min(used, (sent - 1) // 5), sent + more, sent + more), rules.PREFIX_LEAST)


def test_burst_is_unusual_before_its_codes_are_old() -> None:
    """A fraudster who sends all at once is stopped at three times as many."""
    assert not is_unusual(Conversion(0, 0, 59, 0), rules.PREFIX_LEAST)
    assert is_unusual(Conversion(0, 0, 60, 11), rules.PREFIX_LEAST)
    assert not is_unusual(Conversion(0, 0, 60, 12), rules.PREFIX_LEAST)


def test_honest_users_seldom_look_unusual() -> None:
    """If half of all codes are used, twenty look unusual by chance less than once in 776 times."""
    least = rules.PREFIX_LEAST
    unusual = [used for used in range(least + 1) if is_unusual(Conversion(least, used, least, used), least)]
    chance = sum(comb(least, used) for used in unusual) / 2**least
    assert unusual == [0, 1, 2, 3]
    assert 1 / 777 < chance < 1 / 776


# ------------------------------------------------------------------ the budget, and what holds for a while


@given(budget=st.integers(1, 10**9), sent=st.integers(0, 10**9))
def test_alarm_comes_at_four_fifths_and_the_stop_at_the_end(budget: int, sent: int) -> None:
    """This holds for any budget."""
    told = budget_alert(sent, budget)
    assert (told is BudgetAlert.SPENT) == (sent >= budget)
    assert (told is BudgetAlert.NOTHING) == (sent < 0.8 * budget)


@given(life=st.integers(1, 10**7), passed=st.integers(-(10**8), 10**8))
def test_temporary_states_end_in_time_after_any_clock_jump(life: int, passed: int) -> None:
    """A note from a clock that ran ahead ends once the clock is right, not at the wrong time."""
    assert in_force(NOW + life, life, NOW + passed) == (-60 <= passed < life)
    assert not in_force(None, life, NOW)
