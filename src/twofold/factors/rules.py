"""When 2FA is on, the format of codes and names, and the refusals that all kinds share."""

import re
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from twofold.accounts import caps
from twofold.accounts.consequences import Change
from twofold.base.names import visible_name
from twofold.base.problems import Conflict, FieldError, InvalidRequest, Problem, TooManyAttempts
from twofold.base.texts import JOINERS, N_, _, counted, pasted, visible_form
from twofold.factors.contract import Factor

ENROLMENT_LIFETIME = 3600  # seconds
ENROLMENT_TRIES = 5
NOT_SENT = N_("We could not send a code. Try again in a minute, or use another method.")
_CODE = re.compile(r"[0-9]{6}")
_MAX_NAME_LENGTH = 40


class Policy(StrEnum):
    """How often a code is asked for."""

    DISABLED = "disabled"
    ONCE_PER_COMPUTER = "once_per_computer"
    EVERY_LOG_IN = "every_log_in"


class TwoFactor(msgspec.Struct, frozen=True):
    """An account's policy, default factor and verified factors."""

    policy: Policy
    factors: tuple[Factor, ...]
    default_factor_id: str | None

    @property
    def active(self) -> bool:
        """Return whether a sign-in asks for a second factor."""
        return self.policy is not Policy.DISABLED and bool(self.factors)

    def factor(self, factor_id: str) -> Factor | None:
        """Return the verified factor with this id."""
        return next((factor for factor in self.factors if factor.id == factor_id), None)

    @property
    def default(self) -> Factor | None:
        """Return the factor that is asked for first."""
        return self.factor(self.default_factor_id or "") or next(iter(self.factors), None)


def is_full(factors: Sequence[Factor], kind: str) -> bool:
    """Return whether an account has the maximum number of factors of a kind."""
    return sum(factor.kind == kind for factor in factors) >= caps.FACTORS_OF_A_KIND.maximum


class WrongCode(Problem):
    """The code is not correct."""

    code, status, at = "wrong_code", 401, "code"
    title = N_("The code is not correct")

    @property
    def detail(self) -> str:
        """Say what to do, and how many tries are left."""
        return f"{_('The code you entered is not correct.')} {self.left}"

    @property
    def left(self) -> str:
        """Return a sentence with the number of tries left."""
        left = self.evidence["attempts_left"]
        if left == 0:
            return _("You have no attempts left. Start again.")
        return counted("You have {number} attempt left.", "You have {number} attempts left.", left)

    def with_attempts_left(self, here: int) -> "WrongCode":
        """Return a copy with the smaller number of tries left: of the account, or `here`, in this sign-in."""
        left = min(self.evidence["attempts_left"], here)
        return type(self)(**self.evidence | {"attempts_left": left})


class WrongRecoveryCode(WrongCode):
    """The recovery code is not correct."""

    at = "recovery_code"

    @property
    def detail(self) -> str:
        """Say what to do, and how many tries are left."""
        told = _(
            "The recovery code you entered is not correct. Check it: a recovery code has 25 letters and digits, "
            "and works once."
        )
        return f"{told} {self.left}"


class CodeAlreadyUsed(WrongCode):
    """The code was correct, but has already been used."""

    code = "code_already_used"
    title = N_("This code has been used")

    @property
    def detail(self) -> str:
        """Say what to do."""
        return _("This code has been used. Use another one.")


class PhoneClockOff(WrongCode):
    """The code belongs to another time: the phone's clock is wrong."""

    code = "clock_off"
    title = N_("The clock on your phone is wrong")

    @property
    def detail(self) -> str:
        """Say by how much, and what to do."""
        minutes = self.evidence["clock_off_minutes"]
        told = (
            counted(
                "Your phone's clock seems to be about {number} minute fast.",
                "Your phone's clock seems to be about {number} minutes fast.",
                minutes,
            )
            if minutes > 0
            else counted(
                "Your phone's clock seems to be about {number} minute slow.",
                "Your phone's clock seems to be about {number} minutes slow.",
                -minutes,
            )
        )
        return f"{told} {_('Set it to automatic time, then enter a new code.')}"


class CannotSend(Problem):
    """No code can be sent now; the text says why and what to do instead."""

    code, status = "cannot_send", 503
    title = N_("The code could not be sent")

    def __init__(self, text: str, *, wait: int = 3600) -> None:
        """Create the problem; `wait` is the number of seconds after which another try may succeed."""
        super().__init__()
        self.text = text  # type: ignore[misc]  # each reason has its own text
        self.wait = wait


class CountryNotServed(Problem):
    """The operator does not send codes to this country."""

    code, status, at = "country_not_served", 422, "phone"
    title = N_("No codes are sent to this country")
    text = N_("We do not send codes to numbers in this country. Use another number or an authenticator app.")


class AlreadyVerified(Conflict):
    """The factor is already verified: its form was submitted twice."""

    def __init__(self) -> None:
        super().__init__(N_("This method is already set up. Go to User Settings to see it."))


class FactorsClosed(TooManyAttempts):
    """Too many wrong codes in a row: only the recovery code or an administrator can unlock the account."""

    @property
    def detail(self) -> str:
        """Name the two remaining options."""
        return _("There were too many wrong codes in a row. Use your recovery code, or ask an administrator for help.")


def normal_code(text: str, field: str = "code") -> str:
    """Return the six digits of a code as people type or paste it. Raise InvalidRequest."""
    code = pasted(text)
    if not code:
        raise InvalidRequest(FieldError(field, N_("Enter the code.")))
    if not _CODE.fullmatch(code):
        raise InvalidRequest(FieldError(field, N_("Enter the 6 digits of the code.")))
    return code


def normal_name(text: str, field: str = "name") -> str:
    """Return the name of a factor or computer. Raise InvalidRequest if it is too long or has invisible characters."""
    name = visible_name(text, field, most=_MAX_NAME_LENGTH, too_long=N_("Use a name of at most 40 characters."))
    if not name:
        raise InvalidRequest(FieldError(field, N_("Enter a name.")))
    return name


def unique_name(name: str, taken: Sequence[str]) -> str:
    """Return the name, or the first free one with a number, since users and apps distinguish entries by name."""
    endings = ("" if number == 1 else f" {number}" for number in range(1, len(taken) + 2))
    names = (_cut(name, _MAX_NAME_LENGTH - len(ending)) + ending for ending in endings)
    visible_forms = {visible_form(name) for name in taken}
    return next(name for name in names if visible_form(name) not in visible_forms)


def name_after(factor: Factor, replaced: Factor, started_at: str) -> str:
    """Return the name of a factor after it replaced another: the other's if its own is only temporary."""
    is_provisional = factor.kind == replaced.kind and factor.name == provisional_name(replaced.name, started_at)
    return replaced.name if is_provisional else factor.name


def provisional_name(name: str, started_at: str) -> str:
    """Return the temporary name of a replacement factor: the time distinguishes it from the old entry in the app.

    `started_at` is the start of the enrolment in RFC 3339; the name has it to the minute.
    """
    ending = started_at[:16].replace("T", " ")
    return f"{_cut(name, _MAX_NAME_LENGTH - len(ending) - 1)} {ending}"


def _cut(name: str, length: int) -> str:
    """Return a name cut to a length, without a blank or joiner at its end, so that it is a valid name itself."""
    return name[:length].rstrip(f" {JOINERS}")


def has_expired(factor: Factor, now: int) -> bool:
    """Return whether an unverified factor has expired; it is treated as removed even if its row still exists."""
    return factor.verified_at is None and now >= (factor.expires_at or 0)


def change_of(before: TwoFactor, after: TwoFactor, *, enrolled: Change | None = None) -> Change | None:
    """Return the most far-reaching change of credentials between two states of 2FA.

    `enrolled` is the change that the kind of a new factor causes.
    """
    if after.active and not before.active:
        return Change.TWO_FACTOR_ACTIVATED
    if after.policy is Policy.DISABLED and before.policy is not Policy.DISABLED:
        return Change.TWO_FACTOR_DISABLED
    if [factor.id for factor in after.factors] != [factor.id for factor in before.factors]:
        return enrolled or Change.FACTORS_CHANGED
    if after.default is not None and before.default is not None and after.default.id != before.default.id:
        return Change.FACTORS_CHANGED
    return Change.POLICY_CHANGED if after.policy is not before.policy else None
