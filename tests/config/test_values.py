"""Durations, rates, waits and costs are parsed exactly, and no limit can be disabled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.config import Backoff, HashCost, Rate, values
from twofold.config.values import InvalidSetting

SECONDS = st.integers(1, 3_650 * 86_400)
RATES = st.dictionaries(SECONDS, st.integers(1, 1_000_000_000), min_size=1, max_size=5)


@pytest.mark.parametrize(
    "text, seconds",
    [("30s", 30), ("10m", 600), ("1h", 3_600), ("30d", 2_592_000), ("24h", 86_400), ("3650d", 315_360_000)],
)
def test_duration_units_convert_to_seconds(text: str, seconds: int) -> None:
    """Seconds, minutes, hours and days are converted."""
    assert values.duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0s", "00d", "-1h", "10", "h", "1.5h", "1h30m", "1 h", "1H", "3651d", "٣0s", "9" * 99 + "s"]
)
def test_malformed_duration_is_refused(text: str) -> None:
    """Zero, signs, fractions, digits of other scripts and huge numbers are refused."""
    with pytest.raises(InvalidSetting):
        values.duration(text)


@given(SECONDS)
def test_durations_round_trip(seconds: int) -> None:
    """Formatting and parsing any duration returns the same value."""
    assert values.duration(values.write_duration(seconds)) == seconds


def test_rates_are_sorted_by_window() -> None:
    """They may be written in any order."""
    assert values.rates("50/1d 5/5m,20/1h") == (Rate(5, 300), Rate(20, 3_600), Rate(50, 86_400))


@given(RATES)
def test_rates_round_trip(spans: dict[int, int]) -> None:
    """Formatting and parsing any rates returns the same value."""
    read = tuple(Rate(count, seconds) for seconds, count in sorted(spans.items()))
    assert values.rates(values.write_rates(read)) == read


def test_duration_in_days_must_be_at_least_one_day() -> None:
    """Shorter durations are refused, and the error names the setting."""
    assert values.days("24h") == values.days("1d") == 86_400
    with pytest.raises(InvalidSetting, match="at least 1d"):
        values.days("23h")


@pytest.mark.parametrize(
    "text", ["0/5m", "-1/5m", "5/0s", "5", "5/", "/5m", "5/5m/5m", "off", "none", "5/5m 6/300s", "1e9/1h"]
)
def test_rate_limit_cannot_be_disabled(text: str) -> None:
    """No spelling of a rate means no limit."""
    with pytest.raises(InvalidSetting):
        values.rates(text)


def test_backoff_has_free_attempts_and_a_shortest_and_longest_wait() -> None:
    """`5 30s..1h` means five free attempts, then a wait of 30 seconds that doubles up to an hour."""
    assert values.backoff("5 30s..1h") == Backoff(5, 30, 3_600)


@given(st.integers(1, 1_000_000), SECONDS, SECONDS)
def test_backoffs_round_trip(free: int, one: int, other: int) -> None:
    """Formatting and parsing any backoff returns the same value."""
    read = Backoff(free, min(one, other), max(one, other))
    assert values.backoff(values.write_backoff(read)) == read


@pytest.mark.parametrize("text", ["5", "5 30s", "0 30s..1h", "5 0s..1h", "5 1h..30s", "5 30s-1h", "5 30s..1h 7"])
def test_backoff_cannot_be_disabled(text: str) -> None:
    """Zero attempts, zero waits and reversed ranges are refused."""
    with pytest.raises(InvalidSetting):
        values.backoff(text)


@pytest.mark.parametrize(
    "text, cost",
    [
        ("m=47104 t=1 p=1", HashCost(47_104, 1, 1)),
        ("p=2,t=2,m=19456", HashCost(19_456, 2, 2)),
        ("m=65536 t=3 p=4", HashCost(65_536, 3, 4)),
    ],
)
def test_password_hash_cost_is_parsed_in_any_order(text: str, cost: HashCost) -> None:
    """Memory, passes and lanes may be in any order, separated by spaces or commas."""
    assert values.hash_cost(text) == cost
    assert values.hash_cost(values.write_hash_cost(cost)) == cost


@pytest.mark.parametrize(
    "text",
    [
        *["m=47103 t=1 p=1", "m=19455 t=2 p=1", "m=19456 t=1 p=1", "m=47104 t=0 p=1", "m=47104 t=1 p=0", "m=47104 t=1"],
        *["m=47104 t=1 p=17", "m=47104 t=101 p=1", "m=4194305 t=1 p=1", "m=47104 t=1 p=1 p=1", "m=47104 t=1 x=1", ""],
    ],
)
def test_password_hash_cost_outside_the_bounds_is_refused(text: str) -> None:
    """Stolen hashes must be expensive to guess, and hashing must not exhaust the machine."""
    with pytest.raises(InvalidSetting):
        values.hash_cost(text)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused_by_every_parser(text: str) -> None:
    """Any other error is a bug."""
    for parse in (
        values.duration,
        values.rates,
        values.backoff,
        values.hash_cost,
        values.count(),
        values.choice("open"),
    ):
        try:
            parse(text)
        except InvalidSetting:
            continue
