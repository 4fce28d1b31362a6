"""How long a completed step is stored, and when it may be repeated."""

from enum import StrEnum

from twofold.base.problems import Problem
from twofold.base.texts import N_

REPEATABLE_FOR = 120  # seconds after the first answer
MAX_REPEATS = 3
MAX_STEPS = 50  # per account; the oldest are deleted
_REMEMBERED = 86_400  # seconds for a sign-in; after an unlock, the old token is merely "not signed in" in two minutes


class Purpose(StrEnum):
    """What was completed."""

    SIGN_IN = "sign_in"
    UNLOCK = "unlock"

    @property
    def remembered(self) -> int:
        """Return for how many seconds the step counts as completed."""
        return _REMEMBERED if self is Purpose.SIGN_IN else REPEATABLE_FOR


class SignInCompleted(Problem):
    """The step was completed already."""

    code, status, resolve_at = "sign_in_completed", 410, "/settings"
    title = N_("You are already signed in, or this was sent twice")
    text = N_("Go to User Settings. If you are not signed in there, sign in again.")
