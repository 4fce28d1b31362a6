"""When a session is valid, and when it may change settings."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from twofold.base.proofs import Assurance, Level
from twofold.base.visitor import Role, Visitor
from twofold.sessions.rules import is_active, is_unlocked, password_proof

NOW = 1_800_000_000
IDLE = 3600
VISITOR = Visitor(
    account_id="a",
    email="a@example.org",
    username="a",
    name="a",
    groups=(),
    role=Role.MEMBER,
    stamp=1,
    session_id="s",
    session_hash=b"",
    proofs=(password_proof(NOW),),
    assurance=Assurance(NOW, Level.ONE_FACTOR, ("password",), "pwd"),
    computer_id=None,
    signed_in_at=NOW,
    expires_at=NOW + 86400,
    unlocked_until=NOW + 600,
)


@given(used=st.integers(-10_000, 100_000), asked=st.integers(-10_000, 200_000))
def test_session_is_valid_until_its_idle_or_absolute_end(used: int, asked: int) -> None:
    """The earlier end counts, and the session is invalid from that second on."""
    alive = is_active(last_used_at=NOW + used, expires_at=NOW + 86400, idle=IDLE, now=NOW + asked)
    assert alive == (asked < 86400 and asked - used < IDLE)


def test_use_extends_the_idle_end_but_not_the_absolute_one() -> None:
    """A session used every half hour still ends after a day."""
    alive = [
        is_active(last_used_at=NOW + at, expires_at=NOW + 86400, idle=IDLE, now=NOW + at + 1800)
        for at in range(0, 90_000, 1800)
    ]
    assert alive.index(False) == 47
    assert not any(alive[47:])


@given(until=st.integers(-1000, 1000))
def test_settings_are_unlocked_only_until_their_time_ends(until: int) -> None:
    """Zero, as after a sign-in on a trusted computer, means that they are locked."""
    assert is_unlocked(replace(VISITOR, unlocked_until=NOW + until), NOW) == (until > 0)
    assert not is_unlocked(replace(VISITOR, unlocked_until=0), NOW)
