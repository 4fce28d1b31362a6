"""The guard's rules: waits grow and end, no window overflows, and honest people do not look like pumpers."""

from collections.abc import Sequence
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.config import Rate
from twofold.factors.spending import rules
from twofold.factors.spending.rules import (
    Conversion,
    Limits,
    Past,
    Sent,
    Told,
    TooManySends,
    holds,
    is_unusual,
    next_send_at,
    told_of,
)

NOW = 1_800_000_000
SHIPPED = Limits((Rate(3, 600), Rate(5, 3600)), (Rate(10, 86400),), (Rate(10, 3600),))
OPEN = Limits(*[(Rate(10**6, 60),)] * 3)

some_rates = st.lists(st.builds(Rate, st.integers(1, 5), st.integers(1, 5000)), min_size=1, max_size=2)
some_limits = st.builds(Limits, some_rates, some_rates, some_rates)
pauses = st.lists(st.tuples(st.integers(0, 1500), st.booleans()), max_size=40)


def send_often(asks: Sequence[tuple[int, bool]], limits: Limits) -> tuple[list[Sent], Past, int]:
    """Asks after each pause, and uses the code or not; gives what was sent, what is remembered, and the last moment."""
    sent: list[Sent] = []
    now = NOW
    for pause, use in asks:
        now += pause
        if next_send_at(past_of(sent), limits, now) == now:
            sent.append(Sent(now, use))
    return sent, past_of(sent), now


def past_of(sent: Sequence[Sent]) -> Past:
    """What the guard remembers of one number, account and source."""
    unused = tuple(each.at for each in sent if not each.used)
    return Past(tuple(sent), unused, unused)


# ------------------------------------------------------------------ limits and waits


@given(asks=pauses, limits=some_limits)
def test_no_window_ever_holds_more_than_its_limit(asks: list[tuple[int, bool]], limits: Limits) -> None:
    """Of all codes to a number, and of those that an account or a source left unused."""
    sent, _, _ = send_often(asks, limits)
    unused = [each for each in sent if not each.used]
    for counted, rates in ((sent, limits.number), (unused, limits.account), (unused, limits.source)):
        for rate in rates:
            for first in counted:
                assert sum(first.at <= each.at < first.at + rate.seconds for each in counted) <= rate.count


@given(asks=pauses, limits=some_limits)
def test_the_clock_time_that_is_told_is_the_first_at_which_a_code_is_sent(
    asks: list[tuple[int, bool]], limits: Limits
) -> None:
    """Neither earlier nor later, so that a page can show it and nobody waits longer."""
    _, past, now = send_often(asks, limits)
    told = next_send_at(past, limits, now)
    assert told >= now
    if told > now:
        assert next_send_at(past, limits, told - 1) == told
        assert next_send_at(past, limits, told) == told


@given(asks=pauses, limits=some_limits)
def test_a_send_is_remembered_as_it_was_announced(asks: list[tuple[int, bool]], limits: Limits) -> None:
    """What is told when a code goes out is what is asked of the next."""
    _, past, now = send_often(asks, limits)
    announced = next_send_at(past.with_send(now), limits, now)
    assert announced >= now + rules.RESEND.first or announced > now


def test_waits_begin_at_thirty_seconds_and_double_to_ten_minutes() -> None:
    """A slow text has time to come, and nobody waits longer than the shortest window."""
    past, now, waits = Past(), NOW, []
    for _ in range(8):
        past = past.with_send(now)
        waits.append(next_send_at(past, OPEN, now) - now)
        now += waits[-1]
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]


@pytest.mark.parametrize("sent", [[Sent(NOW, True)], [Sent(NOW - 9, False), Sent(NOW, True)]])
def test_who_used_the_code_waits_for_nothing(sent: list[Sent]) -> None:
    """The next code is for something else."""
    assert next_send_at(Past(tuple(sent)), OPEN, NOW) == NOW


def test_after_a_quiet_hour_waits_begin_anew() -> None:
    """Codes that nobody used last week do not slow down today's."""
    old = tuple(Sent(NOW - 5000 + 60 * number) for number in range(9))
    assert next_send_at(Past((*old, Sent(NOW))), OPEN, NOW) == NOW + 30


def test_the_shipped_limits_hold_for_one_who_never_tires() -> None:
    """Asking every second for two hours, without using one: three in ten minutes, five an hour."""
    sent, _, _ = send_often([(1, False)] * 7200, SHIPPED)
    begun = sent[0].at
    assert [each.at - begun for each in sent] == [0, 30, 90, 600, 840, 3600, 4200, 4800, 5400, 6000]
    assert sum(each.at - begun < 600 for each in sent) == 3
    assert sum(each.at - begun < 3600 for each in sent) == 5


def test_codes_that_are_used_do_not_fill_the_limits_of_account_and_source() -> None:
    """Twelve sign-ins a day from one office, each with a code that is used."""
    sent, _, _ = send_often([(1900, True)] * 12, SHIPPED)
    assert len(sent) == 12


@pytest.mark.parametrize("jump", [-(10**9), -3600, 3600, 10**9])
def test_no_jump_of_the_clock_keeps_anybody_waiting_longer_than_a_window(jump: int) -> None:
    """After an hour or decades, either way."""
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
def test_a_wait_is_told_as_a_span(wait: int, said: str) -> None:
    """And for programs as a moment."""
    problem = TooManySends(retry_at=NOW + wait, now=NOW)
    assert said in problem.detail
    assert problem.as_json()["code"] == "too_many_attempts"
    assert problem.status == 429
    assert problem.wait == wait


# ------------------------------------------------------------------ the watch

counts = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda pair: (max(pair), min(pair)))


@given(ripe=counts, young=counts)
def test_where_a_fifth_is_used_nothing_is_unusual(ripe: tuple[int, int], young: tuple[int, int]) -> None:
    """However many are sent."""
    (sent, used), (more, more_used) = ripe, young
    seen = Conversion(
        sent, max(used, -(-sent // 5)), sent + more, max(used, -(-sent // 5)) + max(more_used, -(-more // 5))
    )
    assert not is_unusual(seen, rules.PREFIX_LEAST)


@given(sent=st.integers(0, 19), young=st.integers(0, 40))
def test_a_few_codes_are_never_unusual(sent: int, young: int) -> None:
    """Of a small village nobody is cut off, even when all of their codes are late."""
    assert not is_unusual(Conversion(sent, 0, sent + young, 0), rules.PREFIX_LEAST)


@given(sent=st.integers(20, 10**6), used=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_many_codes_of_which_few_are_used_are_unusual(sent: int, used: int, more: int) -> None:
    """However many more are under way, used or not."""
    assert is_unusual(Conversion(sent, min(used, (sent - 1) // 5), sent + more, sent + more), rules.PREFIX_LEAST)


def test_a_burst_is_unusual_before_its_codes_have_grown_old() -> None:
    """A pumper who sends all at once is stopped at three times as many."""
    assert not is_unusual(Conversion(0, 0, 59, 0), rules.PREFIX_LEAST)
    assert is_unusual(Conversion(0, 0, 60, 11), rules.PREFIX_LEAST)
    assert not is_unusual(Conversion(0, 0, 60, 12), rules.PREFIX_LEAST)


def test_honest_people_seldom_look_like_pumpers() -> None:
    """Where only every second code is used, twenty of them look unusual by chance less than once in 776 times."""
    least = rules.PREFIX_LEAST
    unusual = [used for used in range(least + 1) if is_unusual(Conversion(least, used, least, used), least)]
    chance = sum(comb(least, used) for used in unusual) / 2**least
    assert unusual == [0, 1, 2, 3]
    assert 1 / 777 < chance < 1 / 776


# ------------------------------------------------------------------ the budget, and what holds for a while


@given(budget=st.integers(1, 10**9), sent=st.integers(0, 10**9))
def test_the_alarm_comes_at_four_fifths_and_the_stop_at_the_end(budget: int, sent: int) -> None:
    """Whatever the budget."""
    told = told_of(sent, budget)
    assert (told is Told.SPENT) == (sent >= budget)
    assert (told is Told.NOTHING) == (sent < 0.8 * budget)


@given(life=st.integers(1, 10**7), passed=st.integers(-(10**8), 10**8))
def test_what_holds_for_a_while_ends_in_time_whatever_the_clock_did(life: int, passed: int) -> None:
    """A note from a clock that ran ahead ends when the clock is right, not when the wrong time has come."""
    assert holds(NOW + life, life, NOW + passed) == (-60 <= passed < life)
    assert not holds(None, life, NOW)
