"""When another code may be sent, which share of unused codes is unusual, and when administrators are alerted.

`TWOFOLD_LIMIT_SENDS` counts every code to a number. The limits of an account and of a source count only unused codes,
because many codes for an office behind one address, or for a user who signs in often, are not SMS pumping.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.problems import TooManyAttempts
from twofold.base.texts import N_, counted
from twofold.base.throttle import Share, Tally, backed_off_until, blocked_until
from twofold.config import Backoff, Rate

A_DAY = 86_400
RESEND = Backoff(1, 30, 600)  # seconds; texts arrive within seconds or minutes, and the rates limit longer periods
_QUIET = 3_600  # seconds without a send, after which the backoff starts again

CODE_LIFETIME = 300  # seconds, after which an unused code has expired
WATCHED = 3_600  # seconds in which the share of used codes is measured
PREFIX_LEAST = 20  # codes: if half are used, fewer than 20 % of 20 happens by chance only once in 776 cases
COUNTRY_LEAST = 100  # codes: five prefixes' worth, and a fifth of the usual budget
_UNUSUAL = 20  # per cent used; users enter most codes that they request, SMS pumping enters none
_BURST = 3  # times as many codes are needed while the latest ones may still be used

BLOCKED_FOR = 43_200  # seconds: twelve hours, long enough for an attack to move on
PROVEN = 7_776_000  # seconds: ninety days in which a code to this number was used
UNREACHABLE = 2_592_000  # seconds: thirty days, after which the number may belong to another phone

BLOCKED_TEXT = N_("We cannot send codes to numbers like this one at the moment. Use another method or another number.")
SPENT = N_("We cannot send more codes today. Use another method, or try again tomorrow.")
NO_CALLS = N_("This number cannot receive calls. Choose a text message or use another number.")


class TooManySends(TooManyAttempts):
    """A code was sent a moment ago, or too many codes were sent."""

    title = N_("Too many codes were sent")

    @property
    def detail(self) -> str:
        """Say after how long another code can be requested; a clock time would need the reader's time zone."""
        if self.wait <= 120:  # noqa: PLR2004 - two minutes
            return counted(
                "A code is on its way. You can ask for another in {number} second.",
                "A code is on its way. You can ask for another in {number} seconds.",
                self.wait,
            )
        return counted(
            "Too many codes were sent. You can ask for another in {number} minute.",
            "Too many codes were sent. You can ask for another in {number} minutes.",
            -(-self.wait // 60),
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """A code that was sent (epoch seconds), and whether it was used."""

    at: int
    used: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """The past sends that limit the next one: codes to the number, and unused codes of the account and the source."""

    number: tuple[Sent, ...] = ()
    account: tuple[int, ...] = ()
    source: tuple[int, ...] = ()

    def with_send(self, now: int) -> "Past":
        """Return a copy with one more send."""
        return Past((*self.number, Sent(now)), (*self.account, now), (*self.source, now))


@dataclass(frozen=True, slots=True)
class Limits:
    """How many codes may be sent to a number, and how many unused ones for an account or a source."""

    number: Sequence[Rate]
    account: Sequence[Rate]
    source: Sequence[Rate]

    @property
    def longest(self) -> int:
        """Return the longest period of all limits, the backoff and the fraud detection, in seconds."""
        rates = (*self.number, *self.account, *self.source)
        return max(_QUIET, WATCHED + CODE_LIFETIME, *(rate.seconds for rate in rates))


@dataclass(frozen=True, slots=True)
class Conversion:
    """Codes sent and used in the hour before the last five minutes, and including those minutes."""

    sent: int
    used: int
    sent_with_recent: int
    used_with_recent: int


class BudgetAlert(IntEnum):
    """The alerts to administrators about a day's budget, each sent at most once."""

    NOTHING = 0
    ALARM = 1
    SPENT = 2


def next_send_at(past: Past, limits: Limits, now: int) -> int:
    """Return the time from which another code may be sent: `now` if it may be sent at once."""
    number = _tally(past.number, now)
    ends = (
        backed_off_until(number, RESEND, now),
        blocked_until(number, limits.number, now),
        blocked_until(Tally(past.account), limits.account, now),
        blocked_until(Tally(past.source), limits.source, now),
    )
    return max(end or now for end in ends)


def is_unusual(codes: Conversion, least: int) -> bool:
    """Return whether so few codes were used that the sends look like fraud.

    The last five minutes count only if there are many sends, because most of their codes may still be used.
    """
    recent = _too_few(codes.sent_with_recent, codes.used_with_recent, least * _BURST)
    return recent or _too_few(codes.sent, codes.used, least)


def budget_alert(sent: int, budget: int) -> BudgetAlert:
    """Return the alert that is due when `sent` messages of the day's budget are used: an alarm at 80 %."""
    if sent >= budget:
        return BudgetAlert.SPENT
    return BudgetAlert.ALARM if 5 * sent >= 4 * budget else BudgetAlert.NOTHING


def in_force(until: int | None, lifetime: int, now: int) -> bool:
    """Return whether a note is in force; one that would last too long was written while the clock was wrong."""
    return until is not None and now < until <= now + lifetime + MAX_CLOCK_SKEW


def _tally(sends: Sequence[Sent], now: int) -> Tally:
    """Count the latest consecutive unused sends, each within an hour of the next."""
    run, later = 0, now
    for send in reversed(sends):
        if send.used or later - send.at >= _QUIET:
            break
        run, later = run + 1, send.at
    return Tally(tuple(send.at for send in sends), (Share("", run, sends[-1].at),) if run else ())


def _too_few(sent: int, used: int, least: int) -> bool:
    return sent >= least and 100 * used < _UNUSUAL * sent
