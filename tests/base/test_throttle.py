"""Limits hold in every window, waits grow and end, and a clock jump causes no permanent lockout."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twofold.base.throttle import (
    MAX_SHARES,
    Share,
    Tally,
    attempts_left,
    backed_off_until,
    blocked_until,
    memory,
    steps,
    with_attempt,
    without,
)
from twofold.config import Backoff, Rate

NOW = 1_800_000_000
SLACK = 60  # seconds by which a clock may be put back without anything being forgotten
CODES = (Rate(5, 300), Rate(20, 3600), Rate(50, 86400))  # as shipped
PASSWORDS = Backoff(5, 30, 3600)

some_rates = st.lists(st.builds(Rate, st.integers(1, 5), st.integers(1, 60)), min_size=1, max_size=3)
pauses = st.lists(st.integers(0, 40), max_size=60)


def attempt_often(pauses: Sequence[int], rates: Sequence[Rate], start: int = NOW) -> tuple[list[int], Tally, int]:
    """Try at each of these times, and return the allowed times, the tally and the last time."""
    taken: list[int] = []
    tally, now = Tally(), start
    for pause in pauses:
        now += pause
        if blocked_until(tally, rates, now) is None:
            taken.append(now)
            tally = with_attempt(tally, rates, now)
    return taken, tally, now


# ------------------------------------------------------------------ windows


@given(pauses=pauses, rates=some_rates)
def test_no_window_contains_more_attempts_than_its_limit(pauses: list[int], rates: list[Rate]) -> None:
    """This holds for any window, not only those in which the limiter counts."""
    taken, _, _ = attempt_often(pauses, rates)
    for rate in rates:
        for begin in taken:
            assert sum(begin <= moment < begin + rate.seconds for moment in taken) <= rate.count


@given(pauses=pauses, rates=some_rates)
def test_attempt_is_allowed_exactly_when_the_limits_allow_it(pauses: list[int], rates: list[Rate]) -> None:
    """The limiter agrees with a model that stores every attempt, even after long use."""
    model: list[int] = []
    tally, now = Tally(), NOW
    for pause in pauses:
        now += pause
        room = [rate.count - sum(now - rate.seconds < moment for moment in model) for rate in rates]
        assert (blocked_until(tally, rates, now) is None) == (min(room) > 0)
        assert attempts_left(tally, rates, now) == max(min(room), 0)
        if min(room) > 0:
            model.append(now)
            tally = with_attempt(tally, rates, now)


@given(pauses=pauses, rates=some_rates)
def test_retry_at_is_the_first_moment_another_attempt_is_allowed(pauses: list[int], rates: list[Rate]) -> None:
    """`retry_at` is neither too early nor too late."""
    _, tally, now = attempt_often(pauses, rates)
    until = blocked_until(tally, rates, now)
    if until is not None:
        assert until > now
        assert blocked_until(tally, rates, until - 1) is not None
        assert blocked_until(tally, rates, until) is None


@given(pauses=pauses, rates=some_rates)
def test_stored_attempts_stay_within_the_longest_window_and_its_limit(pauses: list[int], rates: list[Rate]) -> None:
    """Only attempts in the longest window are stored, and never more than its limit."""
    _, tally, now = attempt_often(pauses, rates)
    longest = max(rates, key=lambda rate: rate.seconds)
    assert len(tally.marks) <= max(rate.count for rate in rates if rate.seconds == longest.seconds)
    assert all(moment <= now for moment in tally.marks)


def test_default_limits_hold_against_a_constant_guesser() -> None:
    """With a try every ten seconds for two days, five in five minutes, twenty an hour and fifty a day are allowed."""
    taken, _, _ = attempt_often([10] * 2 * 8640, CODES)
    assert taken[:6] == [NOW + 10, NOW + 20, NOW + 30, NOW + 40, NOW + 50, NOW + 310]
    assert len(taken) == 100


def test_limit_applies_again_after_its_window_has_passed() -> None:
    """The second window counts like the first."""
    taken, _, _ = attempt_often([1] * 700, (Rate(5, 300),))
    assert len(taken) == 15
    assert taken[5] == NOW + 301


# ------------------------------------------------------------------ clocks that jump


@given(pauses=pauses, rates=some_rates, back=st.integers(0, SLACK))
def test_clock_set_back_slightly_allows_no_extra_attempt(pauses: list[int], rates: list[Rate], back: int) -> None:
    """After a correction by a time server, attempts just ahead still count, and `retry_at` is right."""
    _, tally, now = attempt_often(pauses, rates)
    if blocked_until(tally, rates, now) is not None:
        tally = with_attempt(tally, rates, now - back)  # one that was under way
        until = blocked_until(tally, rates, now - back)
        assert until is not None
        assert blocked_until(tally, rates, until) is None


@given(pauses=pauses, rates=some_rates, jump=st.sampled_from([-(10**9), -2_592_000, -3600, 3600, 2_592_000, 10**9]))
def test_clock_jump_never_locks_out_for_longer_than_the_longest_window(
    pauses: list[int], rates: list[Rate], jump: int
) -> None:
    """After a jump of an hour, a month or decades, in either direction, no wait exceeds the longest window."""
    _, tally, now = attempt_often(pauses, rates)
    until = blocked_until(tally, rates, now + jump)
    assert until is None or until - (now + jump) <= max(rate.seconds for rate in rates) + SLACK


@pytest.mark.parametrize("jump", [-(10**9), -2_592_000, -3600, -61])
def test_wait_stored_by_a_fast_clock_ends_at_once(jump: int) -> None:
    """Otherwise, every check would restart the wait until the wrong time."""
    tally = Tally(shares=(Share("", 50, NOW),))
    assert backed_off_until(tally, PASSWORDS, NOW + jump) is None


@given(run=st.integers(0, 200), now=st.integers(0, 2 * NOW))
def test_wait_never_exceeds_the_configured_maximum(run: int, now: int) -> None:
    """This holds at any time, after any number of wrong attempts."""
    until = backed_off_until(Tally(shares=(Share("", run, NOW),)), PASSWORDS, now)
    assert until is None or now < until <= now + PASSWORDS.most + SLACK


# ------------------------------------------------------------------ waits that grow


def test_wait_starts_after_the_free_attempts_and_doubles_to_its_limit() -> None:
    """The wait is 30 seconds after the fifth wrong password, doubles with each further one, and is at most an hour."""
    tally, now = Tally(), NOW
    waits: list[int] = []
    for _ in range(15):
        until = backed_off_until(tally, PASSWORDS, now)
        waits.append((until or now) - now)
        now = until or now
        tally = with_attempt(tally, (), now, who="home", backoff=PASSWORDS)
    assert waits == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@given(run=st.integers(0, 10**6), waited=st.integers(0, 4000))
def test_wait_ends_exactly_at_retry_at(run: int, waited: int) -> None:
    """It ends not a second earlier or later."""
    tally = Tally(shares=(Share("", run, NOW),))
    until = backed_off_until(tally, PASSWORDS, NOW)
    if until is not None:
        assert (backed_off_until(tally, PASSWORDS, NOW + waited) is None) == (NOW + waited >= until)


def test_backoff_without_windows_stores_no_attempt_times() -> None:
    """Passwords have no windows, so no list of times grows."""
    tally = Tally()
    for _ in range(10):
        tally = with_attempt(tally, (), NOW, who="home")
    assert tally == Tally((), (Share("home", 10, NOW),))


# ------------------------------------------------------------------ what a success takes back

OWNER = "owner"
strangers = st.sampled_from([f"stranger {number}" for number in range(8)])
backoffs = st.builds(Backoff, st.integers(1, 6), st.integers(1, 20), st.integers(20, 400))
deed = st.one_of(strangers, st.just(OWNER), st.just("right password"))
deeds = st.lists(st.tuples(st.integers(0, 300), deed), max_size=150)


def passed(deeds: Sequence[tuple[int, str]], backoff: Backoff) -> tuple[list[int], Tally]:
    """Return the allowed attempts of unknown clients, and the tally, while the owner keeps signing in."""
    compared: list[int] = []
    tally, now = Tally(), NOW
    for pause, deed in deeds:
        now += pause
        if backed_off_until(tally, backoff, now) is not None:
            continue
        who = OWNER if deed == "right password" else deed
        tally = with_attempt(tally, (), now, who=who, backoff=backoff)
        if deed == "right password":
            tally = without(tally, OWNER)
        elif deed != OWNER:
            compared.append(now)
    return compared, tally


@example(deeds=[(1, "stranger 1"), (1, "right password")] * 60, backoff=Backoff(1, 1, 20))
@given(deeds=deeds, backoff=backoffs)
def test_success_of_the_owner_allows_unknown_clients_no_more_attempts(
    deeds: list[tuple[int, str]], backoff: Backoff
) -> None:
    """In any period of `memory`, at most twice the attempts that reach the longest wait are allowed."""
    compared, tally = passed(deeds, backoff)
    for begin in compared:
        assert sum(begin <= moment < begin + memory(backoff) for moment in compared) <= 2 * steps(backoff)
    assert len(tally.shares) <= MAX_SHARES


@given(deeds=deeds, backoff=backoffs)
def test_success_resets_only_the_attempts_of_its_source(deeds: list[tuple[int, str]], backoff: Backoff) -> None:
    """The attempts of other sources and the end of their wait do not change."""
    _, tally = passed(deeds, backoff)
    left = without(tally, OWNER)
    assert left.run == tally.run - tally.run_of(OWNER)
    assert left.run_of(OWNER) == 0
    assert list(left.shares) == [share for share in tally.shares if share.who != OWNER]


def test_unknown_clients_have_24_attempts_a_day_even_if_the_owner_signs_in_every_minute() -> None:
    """Each try comes from another address; the first hour allows twelve, as without the owner."""
    tally, compared = Tally(), []
    for second in range(0, 3 * 86400, 20):
        now = NOW + second
        if second % 60 == 0 and backed_off_until(tally, PASSWORDS, now) is None:
            tally = without(with_attempt(tally, (), now, who=OWNER, backoff=PASSWORDS), OWNER)
        if backed_off_until(tally, PASSWORDS, now) is None:
            tally = with_attempt(tally, (), now, who=f"stranger {second}", backoff=PASSWORDS)
            compared.append(second)
    assert sum(second < 3600 for second in compared) <= 12
    days = [sum(day <= second // 86400 < day + 1 for second in compared) for day in range(3)]
    assert days[0] <= 12 + 24
    assert max(days[1:]) <= 24


def test_wrong_attempts_expire_after_half_a_day() -> None:
    """Wrong attempts in the evening cause no wait in the morning."""
    tally = Tally()
    for _ in range(12):
        tally = with_attempt(tally, (), NOW, who="home", backoff=PASSWORDS)
    assert memory(PASSWORDS) == 12 * 3600
    assert backed_off_until(tally, PASSWORDS, NOW + 3599) == NOW + 3600
    assert with_attempt(tally, (), NOW + 12 * 3600, who="home", backoff=PASSWORDS).run == 1


@given(deeds=st.lists(st.tuples(strangers | st.integers().map(str), st.booleans()), min_size=MAX_SHARES, max_size=300))
def test_many_sources_are_merged_without_losing_an_attempt(deeds: list[tuple[str, bool]]) -> None:
    """The oldest are counted together from then on, and no success resets them."""
    tally, strange = Tally(), 0
    for number, (who, right) in enumerate(deeds):
        tally = without(tally, OWNER) if right else with_attempt(tally, (), NOW + number, who=who)
        strange += not right
        assert len(tally.shares) <= MAX_SHARES
        assert tally.run == strange
