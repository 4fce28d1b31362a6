"""How many items of a kind an account may have, and what happens when there is one more."""

from dataclasses import dataclass
from enum import StrEnum


class WhenFull(StrEnum):
    """What happens when the cap is exceeded."""

    OLDEST_ENDS = "the oldest ends"
    REFUSED = "409 `conflict`"


@dataclass(frozen=True, slots=True)
class Cap:
    """The most items of a kind that an account may have."""

    things: str
    maximum: int
    when_full: WhenFull = WhenFull.OLDEST_ENDS


BROWSERS = Cap("known browsers", 10)
COMPUTERS = Cap("trusted computers", 20)
SESSIONS = Cap("sessions", 50)
PENDING_ENROLMENTS = Cap("pending enrolments", 5)
FACTORS_OF_A_KIND = Cap("factors of a kind", 10, WhenFull.REFUSED)

CAPS = (BROWSERS, COMPUTERS, SESSIONS, PENDING_ENROLMENTS, FACTORS_OF_A_KIND)
