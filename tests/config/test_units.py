"""Durations, rates, waits and costs: what operators write is read exactly, and nothing can be switched off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.config import Backoff, HashCost, Rate, units
from twofold.config.units import Refused

SECONDS = st.integers(1, 3_650 * 86_400)
RATES = st.dictionaries(SECONDS, st.integers(1, 1_000_000_000), min_size=1, max_size=5)


@pytest.mark.parametrize(
    "text, seconds",
    [("30s", 30), ("10m", 600), ("1h", 3_600), ("30d", 2_592_000), ("24h", 86_400), ("3650d", 315_360_000)],
)
def test_a_duration_is_seconds(text: str, seconds: int) -> None:
    """Each unit means what it says."""
    assert units.duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0s", "00d", "-1h", "10", "h", "1.5h", "1h30m", "1 h", "1H", "3651d", "٣0s", "9" * 99 + "s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Zero, signs, fractions, other digits and endless spans are not durations."""
    with pytest.raises(Refused):
        units.duration(text)


@given(SECONDS)
def test_a_duration_is_written_as_it_is_read(seconds: int) -> None:
    """Writing and reading any duration gives it back."""
    assert units.duration(units.write_duration(seconds)) == seconds


def test_rates_come_shortest_window_first() -> None:
    """The order in which an operator writes them does not matter."""
    assert units.rates("50/1d 5/5m,20/1h") == (Rate(5, 300), Rate(20, 3_600), Rate(50, 86_400))


@given(RATES)
def test_rates_are_written_as_they_are_read(spans: dict[int, int]) -> None:
    """Writing and reading any rates gives them back."""
    read = tuple(Rate(count, seconds) for seconds, count in sorted(spans.items()))
    assert units.rates(units.write_rates(read)) == read


def test_a_day_is_the_least_where_days_are_wanted() -> None:
    """Shorter spans are refused by name."""
    assert units.days("24h") == units.days("1d") == 86_400
    with pytest.raises(Refused, match="at least 1d"):
        units.days("23h")


@pytest.mark.parametrize(
    "text", ["0/5m", "-1/5m", "5/0s", "5", "5/", "/5m", "5/5m/5m", "off", "none", "5/5m 6/300s", "1e9/1h"]
)
def test_a_limit_cannot_be_switched_off(text: str) -> None:
    """No way of writing a rate means no limit."""
    with pytest.raises(Refused):
        units.rates(text)


def test_a_backoff_has_tries_and_two_waits() -> None:
    """`5 30s..1h` is five free tries, then 30 seconds that double to an hour."""
    assert units.backoff("5 30s..1h") == Backoff(5, 30, 3_600)


@given(st.integers(1, 1_000_000), SECONDS, SECONDS)
def test_a_backoff_is_written_as_it_is_read(free: int, one: int, other: int) -> None:
    """Writing and reading any backoff gives it back."""
    read = Backoff(free, min(one, other), max(one, other))
    assert units.backoff(units.write_backoff(read)) == read


@pytest.mark.parametrize("text", ["5", "5 30s", "0 30s..1h", "5 0s..1h", "5 1h..30s", "5 30s-1h", "5 30s..1h 7"])
def test_a_backoff_cannot_be_switched_off(text: str) -> None:
    """Zero tries, zero waits and turned spans are refused."""
    with pytest.raises(Refused):
        units.backoff(text)


@pytest.mark.parametrize(
    "text, cost",
    [
        ("m=47104 t=1 p=1", HashCost(47_104, 1, 1)),
        ("p=2,t=2,m=19456", HashCost(19_456, 2, 2)),
        ("m=65536 t=3 p=4", HashCost(65_536, 3, 4)),
    ],
)
def test_a_hash_cost_is_read(text: str, cost: HashCost) -> None:
    """Memory, passes and lanes come in any order, with spaces or commas."""
    assert units.hash_cost(text) == cost
    assert units.hash_cost(units.write_hash_cost(cost)) == cost


@pytest.mark.parametrize(
    "text",
    [
        *["m=47103 t=1 p=1", "m=19455 t=2 p=1", "m=19456 t=1 p=1", "m=47104 t=0 p=1", "m=47104 t=1 p=0", "m=47104 t=1"],
        *["m=47104 t=1 p=17", "m=47104 t=101 p=1", "m=4194305 t=1 p=1", "m=47104 t=1 p=1 p=1", "m=47104 t=1 x=1", ""],
    ],
)
def test_a_hash_below_the_floor_is_refused(text: str) -> None:
    """No setting makes guessing stolen passwords cheaper than the floor, or brings the machine down."""
    with pytest.raises(Refused):
        units.hash_cost(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes a parser fail otherwise."""
    for parse in (units.duration, units.rates, units.backoff, units.hash_cost, units.count(), units.choice("open")):
        try:
            parse(text)
        except Refused:
            continue
