"""What a session lacks for a demand, for any proofs; and demands in addresses."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.proofs import Level, Proof, Strength
from twofold.sessions.rules import added, assurance, password_proof
from twofold.unlock.rules import (
    ANY,
    Demand,
    Missing,
    Reach,
    asks_for_second_factor,
    authenticate_at,
    is_met,
    missing,
    read_demand,
    within,
)

ONE, TWO, PHR = Level
NOW = 1_800_000_000
HOUR = 3600
PASSWORD = password_proof(NOW - HOUR)


def code(at: int, level: Level = TWO) -> Proof:
    """Return a proof by a factor that reaches a level."""
    return Proof("totp", "mine", at, Strength(level, "otp"))


@pytest.mark.parametrize(
    "proofs, demand, expected",
    [
        ([PASSWORD], ANY, True),
        ([PASSWORD], within(ONE, HOUR, NOW), True),
        ([PASSWORD], within(ONE, HOUR - 1, NOW), False),
        ([PASSWORD], Demand(TWO), False),
        ([PASSWORD, code(NOW)], Demand(TWO), True),
        ([PASSWORD, code(NOW)], within(TWO, 60, NOW), False),
        ([password_proof(NOW - 60), code(NOW)], within(TWO, 60, NOW), True),
        ([password_proof(NOW), code(NOW - HOUR)], within(ONE, 60, NOW), True),
        ([password_proof(NOW), code(NOW - HOUR)], within(TWO, 60, NOW), False),
        ([password_proof(NOW), code(NOW)], Demand(PHR), False),
        ([password_proof(NOW + HOUR)], within(ONE, 60, NOW), False),
        ([password_proof(NOW + HOUR)], ANY, True),
        ([password_proof(NOW + 30)], within(ONE, 60, NOW), True),
        ([password_proof(NOW + HOUR), code(NOW + HOUR, PHR), code(NOW)], within(TWO, 60, NOW), False),
    ],
)
def test_demand_is_met_by_fresh_proofs_of_its_level(proofs: list[Proof], demand: Demand, *, expected: bool) -> None:
    """Older ones do not count, nor those that a clock ahead made."""
    assert is_met(proofs, demand, NOW) is expected


@pytest.mark.parametrize(
    "wanted, now, later, expected",
    [
        (ONE, ONE, ONE, Missing.STEP_UP),
        (TWO, TWO, TWO, Missing.STEP_UP),
        (TWO, PHR, PHR, Missing.STEP_UP),
        (TWO, ONE, TWO, Missing.ENROLMENT),
        (TWO, ONE, ONE, Missing.UNAVAILABLE),
        (PHR, TWO, PHR, Missing.ENROLMENT),
        (PHR, TWO, TWO, Missing.UNAVAILABLE),
    ],
)
def test_missing_is_what_the_user_can_still_do(wanted: Level, now: Level, later: Level, expected: Missing) -> None:
    """Authenticate with what is set up, set up what this server has, or neither."""
    assert missing([PASSWORD], within(wanted, 60, NOW), Reach(now, later), NOW) is expected
    assert missing([PASSWORD], ANY, Reach(now, later), NOW) is Missing.NOTHING


TIMES = st.integers(NOW - 2 * HOUR, NOW + 2 * HOUR)
PROOFS = st.lists(st.builds(password_proof, TIMES) | st.builds(code, TIMES, st.sampled_from([TWO, PHR])))
DEMANDS = st.builds(Demand, st.sampled_from(Level), st.just(0) | st.integers(NOW - 2 * HOUR, NOW))


@given(proofs=PROOFS, demand=DEMANDS, reached=st.sampled_from([TWO, PHR]), active=st.booleans())
def test_what_an_authentication_asks_for_always_suffices(
    proofs: list[Proof], demand: Demand, reached: Level, *, active: bool
) -> None:
    """Whatever a session has proved, and by whatever clock: after a step-up it lacks nothing."""
    if demand.level > reached:
        return
    second = [code(NOW, reached)] if asks_for_second_factor(demand, active=active) else []
    assert is_met(added(proofs, [password_proof(NOW), *second], NOW), demand, NOW)


@given(PROOFS, DEMANDS, PROOFS)
def test_more_proofs_never_make_a_demand_unmet(proofs: list[Proof], demand: Demand, more: list[Proof]) -> None:
    """As long as no clock was ahead."""
    more = [each for each in more if each.at <= NOW]
    if is_met(added([], proofs, NOW), demand, NOW):
        assert is_met(added(proofs, more, NOW), demand, NOW)


@given(PROOFS, DEMANDS)
def test_demand_is_met_no_sooner_than_its_level_is_reached(proofs: list[Proof], demand: Demand) -> None:
    """Freshness never takes the place of a level."""
    if is_met(proofs, demand, NOW):
        reached = assurance(proofs)
        assert reached
        assert reached.level >= demand.level


# ------------------------------------------------------------------ in addresses


@given(DEMANDS)
def test_demand_survives_its_address(demand: Demand) -> None:
    """As the page reads it again."""
    query = dict(parse_qsl(urlsplit(authenticate_at(demand, return_to="/a?b=c")).query))
    assert query.pop("return_to") == "/a?b=c"
    assert read_demand(query.get("level", ""), query.get("since", ""), NOW) == demand


@pytest.mark.parametrize("level", ["", "3fa", "2FA", "phr ", "1fa"])
@pytest.mark.parametrize("since", ["", "-1", "soon", "1e9", "٣", "9" * 5000])
def test_invalid_demand_demands_nothing(level: str, since: str) -> None:
    """The page then only unlocks settings."""
    assert read_demand(level, since, NOW) == ANY


def test_demand_for_the_future_is_for_now() -> None:
    """An authentication could not satisfy it otherwise."""
    assert read_demand("2fa", str(NOW + HOUR), NOW) == Demand(TWO, NOW)
