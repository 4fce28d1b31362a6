"""What a sent code is bound to, how long it is valid, and the refusals of a wrong one."""

import msgspec

from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.texts import _
from twofold.factors.contract import Request
from twofold.factors.rules import CodeAlreadyUsed, WrongCode

CODE_LIFETIME = 300  # seconds; NIST SP 800-63B 3.1.3.2 allows ten minutes


class SentCode(msgspec.Struct, frozen=True):
    """The last code sent for a purpose, as a hash; times are epoch seconds."""

    account_id: str
    factor_id: str
    request: str
    code_hash: str
    message_id: str
    resend_at: int
    expires_at: int
    used_at: int | None

    def is_for(self, request: Request) -> bool:
        """Return whether the code was sent for this request, not for an earlier one."""
        return self.request == request.id

    def is_valid(self, now: int) -> bool:
        """Return whether the code has not expired; an end too far ahead was set while the clock was wrong."""
        return now < self.expires_at <= now + CODE_LIFETIME + MAX_CLOCK_SKEW


class WrongSentCode(WrongCode):
    """The code is not the last one sent for this request, or has expired."""

    @property
    def detail(self) -> str:
        """Say what to do, and how many tries are left."""
        text = _("The code is not correct or has expired. Enter the newest one, or ask for a new code.")
        return f"{text} {self.left}"


class SentCodeUsed(CodeAlreadyUsed):
    """The code is the one that was sent, but has already been used."""

    @property
    def detail(self) -> str:
        """Say what to do."""
        return _("This code has been used. Ask for a new code.")


def bound(account_id: str, request: Request, factor_id: str, code: str) -> str:
    """Return a code joined with everything it is bound to, to be hashed under the server's key."""
    return f"{account_id}:{request.purpose}:{request.id}:{factor_id}:{code}"
