"""When a session is good, and when it may change settings."""

from twofold.base.problems import Problem
from twofold.base.slack import SLACK
from twofold.base.texts import N_
from twofold.base.visitor import Visitor


class NotSignedIn(Problem):
    """Nobody is signed in, or not any more."""

    code, status, mend_at = "not_signed_in", 401, "/sign-in"
    title = N_("You are not signed in")
    text = N_("Sign in to go on.")


class LockedSettings(Problem):
    """Settings are locked: authenticate again first."""

    code, status, mend_at = "locked_settings", 403, "/authenticate"
    title = N_("Settings are locked")
    text = N_("Authenticate again to make changes.")


def is_alive(*, last_used_at: int, expires_at: int, idle: int, now: int) -> bool:
    """Tell whether a session has reached neither its idle nor its absolute end (`idle` in seconds)."""
    return now < expires_at and now < last_used_at + idle


def is_of_our_time(begun_at: int, now: int) -> bool:
    """Tell whether something was not begun in the future: that was under a wrong clock, and would outlive its time."""
    return begun_at <= now + SLACK


def is_unlocked(visitor: Visitor, now: int) -> bool:
    """Tell whether this session may change settings now."""
    return now < visitor.unlocked_until
