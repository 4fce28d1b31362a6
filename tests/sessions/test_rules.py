"""When a session is good, and when it may change settings."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from twofold.base.visitor import Visitor
from twofold.sessions.rules import is_alive, is_unlocked

NOW = 1_800_000_000
IDLE = 3600
VISITOR = Visitor("a", "a@example.org", False, 1, "s", b"", ("password",), None, NOW, NOW + 86400, NOW + 600)


@given(used=st.integers(-10_000, 100_000), asked=st.integers(-10_000, 200_000))
def test_a_session_is_good_until_its_idle_or_absolute_end(used: int, asked: int) -> None:
    """Whichever comes first; the second of the end is already over."""
    alive = is_alive(last_used_at=NOW + used, expires_at=NOW + 86400, idle=IDLE, now=NOW + asked)
    assert alive == (asked < 86400 and asked - used < IDLE)


def test_use_puts_off_the_idle_end_but_never_the_absolute_one() -> None:
    """Somebody who clicks every half hour is asked again after a day."""
    alive = [
        is_alive(last_used_at=NOW + at, expires_at=NOW + 86400, idle=IDLE, now=NOW + at + 1800)
        for at in range(0, 90_000, 1800)
    ]
    assert alive.index(False) == 47
    assert not any(alive[47:])


@given(until=st.integers(-1000, 1000))
def test_settings_are_open_before_their_time_is_over_and_not_after(until: int) -> None:
    """Zero, as on a trusted computer, is never."""
    assert is_unlocked(replace(VISITOR, unlocked_until=NOW + until), NOW) == (until > 0)
    assert not is_unlocked(replace(VISITOR, unlocked_until=0), NOW)
