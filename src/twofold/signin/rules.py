"""Sign-in as a table: from each state, what each proof leads to. Nothing else leads anywhere.

The picture in `docs/sign-in.md` is drawn from this table. A trusted computer stands in for the code at the door,
but proves nothing: settings stay locked.
"""

from enum import StrEnum

from twofold.base.problems import Problem
from twofold.base.slack import SLACK
from twofold.base.texts import N_
from twofold.factors.rules import Policy

ATTEMPT_LIFE = 300  # seconds
ATTEMPT_TRIES = 5


class State(StrEnum):
    """Who one is in this browser."""

    NOBODY = "nobody"
    HALF_OPEN = "half-open"
    SIGNED_IN = "signed in, settings locked"
    UNLOCKED = "signed in, settings unlocked"


class Proof(StrEnum):
    """What a person just did."""

    PASSWORD_ALONE = "right password, 2FA off"
    PASSWORD_ON_TRUSTED_COMPUTER = "right password, trusted computer"
    PASSWORD_BEFORE_CODE = "right password, 2FA on"
    WRONG_PASSWORD = "wrong password"
    CODE = "right code"
    RECOVERY_CODE = "right recovery code"
    WRONG_CODE = "wrong code"
    LAST_WRONG_CODE = "fifth wrong code"
    TIME_OVER = "5 minutes over, cancelled, or credentials changed"


NEXT = {
    (State.NOBODY, Proof.PASSWORD_ALONE): State.UNLOCKED,
    (State.NOBODY, Proof.PASSWORD_ON_TRUSTED_COMPUTER): State.SIGNED_IN,
    (State.NOBODY, Proof.PASSWORD_BEFORE_CODE): State.HALF_OPEN,
    (State.NOBODY, Proof.WRONG_PASSWORD): State.NOBODY,
    (State.HALF_OPEN, Proof.CODE): State.UNLOCKED,
    (State.HALF_OPEN, Proof.RECOVERY_CODE): State.UNLOCKED,
    (State.HALF_OPEN, Proof.WRONG_CODE): State.HALF_OPEN,
    (State.HALF_OPEN, Proof.LAST_WRONG_CODE): State.NOBODY,
    (State.HALF_OPEN, Proof.TIME_OVER): State.NOBODY,
}


class SignInExpired(Problem):
    """The attempt is over: start again with the password."""

    code, status, mend_at = "sign_in_expired", 410, "/sign-in"
    title = N_("This sign-in has expired")
    text = N_("For your safety a sign-in ends after 5 minutes or 5 wrong codes. Start again with your password.")


def next_state(state: State, proof: Proof) -> State:
    """Tell where a proof leads; a proof that a state does not ask for leads nowhere."""
    return NEXT.get((state, proof), state)


def password_proof(*, active: bool, policy: Policy, recognised: bool) -> Proof:
    """Tell what a right password is worth: whether 2FA is `active`, and the computer trusted (`recognised`)."""
    if not active:
        return Proof.PASSWORD_ALONE
    if policy is Policy.ONCE_PER_COMPUTER and recognised:
        return Proof.PASSWORD_ON_TRUSTED_COMPUTER
    return Proof.PASSWORD_BEFORE_CODE


def is_over(tries: int, expires_at: int, now: int) -> bool:
    """Tell whether an attempt can no longer be gone on with; one that ends too late was begun under a wrong clock."""
    return tries >= ATTEMPT_TRIES or not now < expires_at <= now + ATTEMPT_LIFE + SLACK


def wrong_code(tries: int) -> Proof:
    """Tell what a wrong code is, after `tries` earlier ones in this attempt."""
    return Proof.LAST_WRONG_CODE if tries + 1 >= ATTEMPT_TRIES else Proof.WRONG_CODE


def may_trust(policy: Policy) -> bool:
    """Tell whether a computer may be trusted under this policy."""
    return policy is Policy.ONCE_PER_COMPUTER
