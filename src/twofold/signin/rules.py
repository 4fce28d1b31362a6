"""Sign-in as a table of states and outcomes; no other transitions exist.

The diagram in `docs/sign-in.md` is generated from this table. A trusted computer replaces the code at sign-in, but
settings stay locked.
"""

from enum import StrEnum

from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.problems import Problem
from twofold.base.texts import N_
from twofold.factors.rules import Policy

ATTEMPT_LIFETIME = 300  # seconds
ATTEMPT_TRIES = 5


class State(StrEnum):
    """The state of a sign-in in a browser."""

    ANONYMOUS = "anonymous"
    HALF_OPEN = "half-open"
    SIGNED_IN = "signed in, settings locked"
    UNLOCKED = "signed in, settings unlocked"


class Outcome(StrEnum):
    """The outcome of a user's step."""

    PASSWORD_ALONE = "correct password, 2FA off"
    PASSWORD_ON_TRUSTED_COMPUTER = "correct password, trusted computer"
    PASSWORD_BEFORE_CODE = "correct password, 2FA on"
    WRONG_PASSWORD = "wrong password"
    CODE = "correct code"
    RECOVERY_CODE = "correct recovery code"
    WRONG_CODE = "wrong code"
    LAST_WRONG_CODE = "fifth wrong code"
    TIME_OVER = "5 minutes passed, cancelled, or credentials changed"


NEXT = {
    (State.ANONYMOUS, Outcome.PASSWORD_ALONE): State.UNLOCKED,
    (State.ANONYMOUS, Outcome.PASSWORD_ON_TRUSTED_COMPUTER): State.SIGNED_IN,
    (State.ANONYMOUS, Outcome.PASSWORD_BEFORE_CODE): State.HALF_OPEN,
    (State.ANONYMOUS, Outcome.WRONG_PASSWORD): State.ANONYMOUS,
    (State.HALF_OPEN, Outcome.CODE): State.UNLOCKED,
    (State.HALF_OPEN, Outcome.RECOVERY_CODE): State.UNLOCKED,
    (State.HALF_OPEN, Outcome.WRONG_CODE): State.HALF_OPEN,
    (State.HALF_OPEN, Outcome.LAST_WRONG_CODE): State.ANONYMOUS,
    (State.HALF_OPEN, Outcome.TIME_OVER): State.ANONYMOUS,
}


class CookieNotKept(Problem):
    """The browser sent none of our cookies, so it did not store the one that it received."""

    code, status, resolve_at = "sign_in_expired", 410, "/sign-in"
    title = N_("Your browser did not save our cookie")
    text = N_("Your browser did not save our cookie. Allow cookies for {host}, then sign in again.")


class OtherSignIn(Problem):
    """The form belongs to a sign-in other than the current one of this browser."""

    code, status = "conflict", 409
    title = N_("Another sign-in was started in this browser")
    text = N_("Another sign-in was started in this browser after you opened that page. Check the account below.")


class SignInExpired(Problem):
    """The attempt has ended; the user has to start again with the password."""

    code, status, resolve_at = "sign_in_expired", 410, "/sign-in"
    title = N_("This sign-in has expired")
    text = N_("For your security, a sign-in ends after 5 minutes or 5 wrong codes. Start again with your password.")


def next_state(state: State, outcome: Outcome) -> State:
    """Return the state after a step; an outcome that the table does not list for a state changes nothing."""
    return NEXT.get((state, outcome), state)


def password_outcome(*, active: bool, policy: Policy, recognised: bool) -> Outcome:
    """Return the outcome of a correct password; `recognised` means that the account trusts the computer."""
    if not active:
        return Outcome.PASSWORD_ALONE
    if policy is Policy.ONCE_PER_COMPUTER and recognised:
        return Outcome.PASSWORD_ON_TRUSTED_COMPUTER
    return Outcome.PASSWORD_BEFORE_CODE


def has_ended(tries: int, expires_at: int, now: int) -> bool:
    """Return whether an attempt has ended; one whose end is too far ahead began while the clock was wrong."""
    return tries >= ATTEMPT_TRIES or not now < expires_at <= now + ATTEMPT_LIFETIME + MAX_CLOCK_SKEW


def wrong_code(tries: int) -> Outcome:
    """Return the outcome of a wrong code after `tries` earlier ones in this attempt."""
    return Outcome.LAST_WRONG_CODE if tries + 1 >= ATTEMPT_TRIES else Outcome.WRONG_CODE


def may_trust(policy: Policy) -> bool:
    """Return whether this policy allows trusted computers."""
    return policy is Policy.ONCE_PER_COMPUTER
