"""When 2FA is on, what a code must look like, and what is told of a wrong one."""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from twofold.accounts.rules import Change
from twofold.base.problems import Conflict, FieldError, InvalidRequest, Problem, TooManyAttempts
from twofold.base.texts import N_, _, counted, is_visible
from twofold.factors.contract import ClockOff, Factor, Right, RightSent, Used, Verdict, Wrong

MOST_FACTORS = 10
MOST_PENDING = 5
ENROLMENT_LIFE = 3600  # seconds
ENROLMENT_TRIES = 5
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")  # spaces, and every dash that a phone may make of one
_CODE = re.compile(r"[0-9]{6}")
_NAME_MOST = 40


class Policy(StrEnum):
    """How often a code is asked for."""

    DISABLED = "disabled"
    ONCE_PER_COMPUTER = "once_per_computer"
    EVERY_LOG_IN = "every_log_in"


class TwoFactor(msgspec.Struct, frozen=True):
    """An account's choice and its verified factors."""

    policy: Policy
    factors: tuple[Factor, ...]
    default_factor_id: str | None

    @property
    def active(self) -> bool:
        """Tell whether a sign-in asks for a second factor."""
        return self.policy is not Policy.DISABLED and bool(self.factors)

    def factor(self, factor_id: str) -> Factor | None:
        """Find a verified factor."""
        return next((factor for factor in self.factors if factor.id == factor_id), None)

    @property
    def default(self) -> Factor | None:
        """Give the factor that is asked for first."""
        return self.factor(self.default_factor_id or "") or next(iter(self.factors), None)


class WrongCode(Problem):
    """The code is not right."""

    code, status, at = "wrong_code", 401, "code"
    title = N_("The code is not correct")

    @property
    def detail(self) -> str:
        """What to do, and how many tries are left."""
        return f"{_('The code you entered is not correct. Check your authenticator app and try again.')} {self.left}"

    @property
    def left(self) -> str:
        """Say how many tries are left."""
        left = self.evidence["attempts_left"]
        return counted("You can try {number} more time.", "You can try {number} more times.", left)

    def with_attempts_left(self, here: int) -> "WrongCode":
        """Tell the fewer of the tries left on the account and those left `here`, in this sign-in."""
        left = min(self.evidence["attempts_left"], here)
        return type(self)(**self.evidence | {"attempts_left": left})


class WrongSentCode(WrongCode):
    """The code is not the one that was sent last for this, or its time is over."""

    @property
    def detail(self) -> str:
        """What to do, and how many tries are left."""
        told = _("The code is not correct or has expired. Enter the newest one, or ask for a new code.")
        return f"{told} {self.left}"


class WrongRecoveryCode(WrongCode):
    """The recovery code is not right."""

    at = "recovery_code"

    @property
    def detail(self) -> str:
        """What to do, and how many tries are left."""
        told = _("The recovery code you entered is not correct. It has 25 letters and digits, and works once.")
        return f"{told} {self.left}"


class CodeAlreadyUsed(WrongCode):
    """The code was right, but has been used."""

    code = "code_already_used"
    title = N_("This code has been used")

    @property
    def detail(self) -> str:
        """What to do."""
        return _("This code has been used. Wait for the next one in your app.")


class SentCodeUsed(CodeAlreadyUsed):
    """The code was the one that was sent, but has been used."""

    @property
    def detail(self) -> str:
        """What to do."""
        return _("This code has been used. Ask for a new code.")


class PhoneClockOff(WrongCode):
    """The code belongs to another time: the phone's clock is wrong."""

    code = "clock_off"
    title = N_("The clock on your phone is off")

    @property
    def detail(self) -> str:
        """By how much, and what to do."""
        minutes = self.evidence["clock_off_minutes"]
        told = (
            counted(
                "Your phone's clock looks about {number} minute fast.",
                "Your phone's clock looks about {number} minutes fast.",
                minutes,
            )
            if minutes > 0
            else counted(
                "Your phone's clock looks about {number} minute slow.",
                "Your phone's clock looks about {number} minutes slow.",
                -minutes,
            )
        )
        return f"{told} {_('Set it to automatic time, then enter the code that it shows.')}"


class AlreadyVerified(Conflict):
    """The factor counts already: its form was sent twice."""

    def __init__(self) -> None:
        super().__init__(N_("This method is set up already."))


class FactorsClosed(TooManyAttempts):
    """Too many wrong codes in a row: only the recovery code or an administrator opens the account."""

    @property
    def detail(self) -> str:
        """The two ways that are left."""
        return _("There were too many wrong codes in a row. Use your recovery code, or ask an administrator.")


def normal_code(text: str, field: str = "code") -> str:
    """Read a code as people type it: spaces, dashes and full-width digits are fine. Raises InvalidRequest."""
    code = unseparated(text)
    if not code:
        raise InvalidRequest(FieldError(field, N_("Enter the code.")))
    if not _CODE.fullmatch(code):
        raise InvalidRequest(FieldError(field, N_("Enter the code using only 6 digits.")))
    return code


def unseparated(text: str) -> str:
    """Take spaces and dashes out of a code, and write full-width letters and digits as plain ones."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))


def normal_name(text: str, field: str = "name") -> str:
    """Read the name of a factor or computer. Raises InvalidRequest for control and direction marks."""
    if not is_visible(text.strip()):
        raise InvalidRequest(FieldError(field, N_("Use letters, digits and signs only, no invisible characters.")))
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise InvalidRequest(FieldError(field, N_("Enter a name.")))
    if len(name) > _NAME_MOST:
        raise InvalidRequest(FieldError(field, N_("Use a name of at most 40 characters.")))
    return name


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """Give the name, or the first free one with a number: apps tell entries apart by it."""
    endings = ("" if number == 1 else f" {number}" for number in range(1, len(taken) + 2))
    names = (wanted[: _NAME_MOST - len(ending)].rstrip() + ending for ending in endings)
    return next(name for name in names if name not in taken)


def name_after(factor: Factor, replaced: Factor, begun: str) -> str:
    """Give the name of a factor once the other is gone: the other's own, if it has only waited for that one."""
    waited = factor.kind == replaced.kind and factor.name == waiting_name(replaced.name, begun)
    return replaced.name if waited else factor.name


def waiting_name(name: str, begun: str) -> str:
    """Name what will take the place of a factor: apps keep the old entry, and tell the new one from it by the time.

    `begun` is when, in RFC 3339; the minute is kept of it.
    """
    ending = begun[:16].replace("T", " ")
    return f"{name[: _NAME_MOST - len(ending) - 1].rstrip()} {ending}"


def is_over(factor: Factor, now: int) -> bool:
    """Tell whether a factor was not verified in time: it is gone, whether its row still is there or not."""
    return factor.verified_at is None and now >= (factor.expires_at or 0)


def best(verdicts: Sequence[tuple[Factor, Verdict]]) -> tuple[Factor | None, Verdict]:
    """Choose what counts of several factors: a right code, else a used one, else what explains most."""
    for kind in (Right, RightSent, Used, ClockOff):
        for factor, verdict in verdicts:
            if isinstance(verdict, kind):
                return factor, verdict
    return None, Wrong(sent=any(each[1] == Wrong(sent=True) for each in verdicts))


def refusal(verdict: Verdict, attempts_left: int) -> WrongCode:
    """Say what is wrong with a code."""
    match verdict:
        case Used(sent):
            return (SentCodeUsed if sent else CodeAlreadyUsed)(attempts_left=attempts_left)
        case ClockOff(minutes):
            return PhoneClockOff(attempts_left=attempts_left, clock_off_minutes=minutes)
        case Wrong(sent=True):
            return WrongSentCode(attempts_left=attempts_left)
        case _:
            return WrongCode(attempts_left=attempts_left)


def change_of(before: TwoFactor, after: TwoFactor, *, bound: bool = False) -> Change | None:
    """Name the change of credentials between two states of 2FA, the most far-reaching first.

    `bound` tells that a factor which is new in it is a phone number.
    """
    if after.active and not before.active:
        return Change.TWO_FACTOR_ACTIVATED
    if after.policy is Policy.DISABLED and before.policy is not Policy.DISABLED:
        return Change.TWO_FACTOR_DISABLED
    if [factor.id for factor in after.factors] != [factor.id for factor in before.factors]:
        return Change.PHONE_BOUND if bound else Change.FACTORS_CHANGED
    if after.default is not None and before.default is not None and after.default.id != before.default.id:
        return Change.FACTORS_CHANGED
    return Change.POLICY_CHANGED if after.policy is not before.policy else None
