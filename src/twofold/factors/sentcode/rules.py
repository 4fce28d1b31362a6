"""What a sent code is bound to, how long it lives, and what a given one is worth."""

from enum import StrEnum

import msgspec

from twofold.base.slack import SLACK
from twofold.factors.contract import RightSent, Used, Verdict, Wrong

LIFE = 300  # seconds; NIST SP 800-63B 3.1.3.2 allows ten minutes


class Purpose(StrEnum):
    """What a code can be asked for. An account has one live code for each."""

    SIGN_IN = "sign_in"
    UNLOCK = "unlock"
    ENROLMENT = "enrolment"


class Request(msgspec.Struct, frozen=True):
    """What a code is asked for: the sign-in, session or enrolment of this id (ASVS 5.0, 6.6.2)."""

    purpose: Purpose
    id: str


class LiveCode(msgspec.Struct, frozen=True):
    """The code that was sent last for a purpose, by its hash; times are epoch seconds."""

    account_id: str
    factor_id: str
    request: str
    code_hash: str
    message_id: str
    resend_at: int
    expires_at: int
    used_at: int | None

    def is_for(self, request: Request) -> bool:
        """Tell whether it was sent for this request, and not for an earlier one."""
        return self.request == request.id

    def is_alive(self, now: int) -> bool:
        """Tell whether its time is not over; one from the future was sent under a wrong clock, and would outlive it."""
        return now < self.expires_at <= now + LIFE + SLACK


def bound(account_id: str, request: Request, factor_id: str, code: str) -> str:
    """Write a code with all that it is bound to, to be hashed under the server's key."""
    return f"{account_id}:{request.purpose}:{request.id}:{factor_id}:{code}"


def judge(sent: LiveCode, now: int, *, right: bool) -> Verdict:
    """Tell what a given code is worth; `right` tells whether its hash is that of the sent one."""
    if not right or not sent.is_alive(now):
        return Wrong(sent=True)
    return RightSent(sent.code_hash) if sent.used_at is None else Used(sent=True)
