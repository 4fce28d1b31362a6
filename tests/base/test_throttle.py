"""Limits hold in every window, waits grow and end, and a clock that jumps locks nobody out for good."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.throttle import Tally, attempts_left, backed_off_until, blocked_until, with_attempt
from twofold.config import Backoff, Rate

NOW = 1_800_000_000
SLACK = 60  # seconds by which a clock may be put back without anything being forgotten
CODES = (Rate(5, 300), Rate(20, 3600), Rate(50, 86400))  # as shipped
PASSWORDS = Backoff(5, 30, 3600)

some_rates = st.lists(st.builds(Rate, st.integers(1, 5), st.integers(1, 60)), min_size=1, max_size=3)
pauses = st.lists(st.integers(0, 40), max_size=60)


def attempt_often(pauses: Sequence[int], rates: Sequence[Rate], start: int = NOW) -> tuple[list[int], Tally, int]:
    """Tries at every moment whether it is allowed; gives the moments that were, the tally, and the last moment."""
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
def test_no_window_ever_holds_more_attempts_than_its_limit(pauses: list[int], rates: list[Rate]) -> None:
    """Wherever the window is laid, not only where the limiter counts."""
    taken, _, _ = attempt_often(pauses, rates)
    for rate in rates:
        for begin in taken:
            assert sum(begin <= moment < begin + rate.seconds for moment in taken) <= rate.count


@given(pauses=pauses, rates=some_rates)
def test_an_attempt_is_allowed_exactly_when_the_limits_allow_it(pauses: list[int], rates: list[Rate]) -> None:
    """Against a model that remembers everything: nobody is kept out longer than promised, after long use either."""
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
def test_the_moment_that_is_told_is_the_first_at_which_another_try_fits(pauses: list[int], rates: list[Rate]) -> None:
    """`retry_at` neither lies nor keeps anybody waiting."""
    _, tally, now = attempt_often(pauses, rates)
    until = blocked_until(tally, rates, now)
    if until is not None:
        assert until > now
        assert blocked_until(tally, rates, until - 1) is not None
        assert blocked_until(tally, rates, until) is None


@given(pauses=pauses, rates=some_rates)
def test_what_is_remembered_stays_small(pauses: list[int], rates: list[Rate]) -> None:
    """Only what the longest window looks at, and never more than its limit."""
    _, tally, now = attempt_often(pauses, rates)
    longest = max(rates, key=lambda rate: rate.seconds)
    assert len(tally.marks) <= max(rate.count for rate in rates if rate.seconds == longest.seconds)
    assert all(moment <= now for moment in tally.marks)


def test_the_shipped_limits_hold_for_a_guesser_who_never_tires() -> None:
    """A try every ten seconds for two days: five in five minutes, twenty an hour, fifty a day."""
    taken, _, _ = attempt_often([10] * 2 * 8640, CODES)
    assert taken[:6] == [NOW + 10, NOW + 20, NOW + 30, NOW + 40, NOW + 50, NOW + 310]
    assert len(taken) == 100


def test_the_limiter_still_limits_when_its_window_has_passed_once() -> None:
    """The second window counts like the first."""
    taken, _, _ = attempt_often([1] * 700, (Rate(5, 300),))
    assert len(taken) == 15
    assert taken[5] == NOW + 301


# ------------------------------------------------------------------ clocks that jump


@given(pauses=pauses, rates=some_rates, back=st.integers(0, SLACK))
def test_a_clock_that_is_put_back_a_little_opens_nothing(pauses: list[int], rates: list[Rate], back: int) -> None:
    """Time servers correct clocks: attempts that now lie just ahead still count, and the moment told is right."""
    _, tally, now = attempt_often(pauses, rates)
    if blocked_until(tally, rates, now) is not None:
        tally = with_attempt(tally, rates, now - back)  # one that was under way
        until = blocked_until(tally, rates, now - back)
        assert until is not None
        assert blocked_until(tally, rates, until) is None


@given(pauses=pauses, rates=some_rates, jump=st.sampled_from([-(10**9), -2_592_000, -3600, 3600, 2_592_000, 10**9]))
def test_no_jump_of_the_clock_locks_anybody_out_for_good(pauses: list[int], rates: list[Rate], jump: int) -> None:
    """After an hour, a month or decades, either way, a wait is never longer than the longest window."""
    _, tally, now = attempt_often(pauses, rates)
    until = blocked_until(tally, rates, now + jump)
    assert until is None or until - (now + jump) <= max(rate.seconds for rate in rates) + SLACK


@pytest.mark.parametrize("jump", [-(10**9), -2_592_000, -3600, -61])
def test_a_wait_noted_under_a_clock_that_ran_ahead_ends_at_once(jump: int) -> None:
    """Otherwise the wait would begin anew with every look, until the wrong time has come."""
    tally = Tally(run=50, last_at=NOW)
    assert backed_off_until(tally, PASSWORDS, NOW + jump) is None


@given(run=st.integers(0, 200), now=st.integers(0, 2 * NOW))
def test_a_wait_is_never_longer_than_the_longest(run: int, now: int) -> None:
    """Whatever time it is, and after any number of wrong tries."""
    until = backed_off_until(Tally(run=run, last_at=NOW), PASSWORDS, now)
    assert until is None or now < until <= now + PASSWORDS.most + SLACK


# ------------------------------------------------------------------ waits that grow


def test_the_wait_begins_after_the_free_tries_and_doubles_to_its_limit() -> None:
    """Thirty seconds after the fifth wrong password, twice that after the sixth, and never more than an hour."""
    tally, now = Tally(), NOW
    waits: list[int] = []
    for _ in range(15):
        until = backed_off_until(tally, PASSWORDS, now)
        waits.append((until or now) - now)
        now = until or now
        tally = with_attempt(tally, (), now)
    assert waits == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@given(run=st.integers(0, 10**6), waited=st.integers(0, 4000))
def test_a_wait_ends_at_the_moment_that_was_told(run: int, waited: int) -> None:
    """Not a second earlier, not a second later."""
    tally = Tally(run=run, last_at=NOW)
    until = backed_off_until(tally, PASSWORDS, NOW)
    if until is not None:
        assert (backed_off_until(tally, PASSWORDS, NOW + waited) is None) == (NOW + waited >= until)


def test_without_windows_only_the_run_is_counted() -> None:
    """Passwords have no windows: no list of moments grows."""
    tally = Tally()
    for _ in range(10):
        tally = with_attempt(tally, (), NOW)
    assert tally == Tally((), 10, NOW)
