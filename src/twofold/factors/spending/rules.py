"""What the guard decides: when a number may be sent to again, what is an unusual share of unused codes, what is told.

`TWOFOLD_LIMIT_SENDS` counts every code to a number. The limits of an account and of a source count codes that nobody
used: an office behind one address, or a person who signs in often, is no pumper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from twofold.base.problems import Problem, TooManyAttempts
from twofold.base.slack import SLACK
from twofold.base.texts import N_, counted
from twofold.base.throttle import Tally, backed_off_until, blocked_until
from twofold.config import Backoff, Rate

A_DAY = 86_400
RESEND = Backoff(1, 30, 600)  # a text takes seconds, a slow one minutes; beyond ten minutes the windows hold
_QUIET = 3_600  # seconds after which waits begin anew

CODE_LIFE = 300  # seconds: a code that is older and unused stays unused
WATCHED = 3_600  # seconds that the watch looks back
PREFIX_LEAST = 20  # codes: where every second one is used, a share below 20 % of 20 comes by chance once in 776 times
COUNTRY_LEAST = 100  # codes: five prefixes' worth, and a fifth of the usual budget
_UNUSUAL = 20  # per cent used; people use most codes that they ask for, pumpers none
_BURST = 3  # times as many are unusual before it is known whether the young ones will be used

CLOSED = 43_200  # seconds: twelve hours, pumpers move on, people come back tomorrow
PROVEN = 7_776_000  # seconds: ninety days, in which somebody at this number used a code
UNREACHABLE = 2_592_000  # seconds: thirty days, then the number may have moved to another phone

CLOSED_NOW = N_("We cannot send codes to numbers like this one now. Use another way to sign in, or another number.")
SPENT = N_("We cannot send more codes today. Use another way to sign in, or come back tomorrow.")
NO_CALLS = N_("This number cannot take calls. Choose a text message or another number.")


class CannotSend(Problem):
    """No code can be sent to this number now; the text says why, and names another way."""

    code, status = "cannot_send", 503
    title = N_("The code could not be sent")

    def __init__(self, text: str, *, wait: int = 3600) -> None:
        """`wait`: seconds after which another try may be worth it."""
        super().__init__()
        self.text = text  # type: ignore[misc]  # each reason says its own sentence
        self.wait = wait


class TooManySends(TooManyAttempts):
    """A code was sent a moment ago, or too many were."""

    title = N_("Too many codes were sent")

    @property
    def detail(self) -> str:
        """When another can be asked for, as a span: a clock time needs the reader's time zone."""
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
    """What a send is judged by: codes to the number, and when the account's and the source's unused ones were sent."""

    number: tuple[Sent, ...] = ()
    account: tuple[int, ...] = ()
    source: tuple[int, ...] = ()

    def with_send(self, now: int) -> "Past":
        """Add one."""
        return Past((*self.number, Sent(now)), (*self.account, now), (*self.source, now))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be sent to a number, and for an account or a source without being used."""

    number: Sequence[Rate]
    account: Sequence[Rate]
    source: Sequence[Rate]

    @property
    def longest(self) -> int:
        """How far back any of them looks, in seconds; at least as far as the waits and the watch."""
        rates = (*self.number, *self.account, *self.source)
        return max(_QUIET, WATCHED + CODE_LIFE, *(rate.seconds for rate in rates))


@dataclass(frozen=True, slots=True)
class Conversion:
    """Codes sent and used in the hour before the last five minutes, and with those minutes."""

    sent: int
    used: int
    sent_with_young: int
    used_with_young: int


class Told(IntEnum):
    """What administrators are told of a day's budget, each at most once."""

    NOTHING = 0
    ALARM = 1
    SPENT = 2


def next_send_at(past: Past, limits: Limits, now: int) -> int:
    """Give the moment from which another code may be sent: `now` when it may at once."""
    number = _tally(past.number, now)
    ends = (
        backed_off_until(number, RESEND, now),
        blocked_until(number, limits.number, now),
        blocked_until(Tally(past.account), limits.account, now),
        blocked_until(Tally(past.source), limits.source, now),
    )
    return max(end or now for end in ends)


def is_unusual(seen: Conversion, least: int) -> bool:
    """Tell whether so few codes were used that the sends look like fraud.

    The last five minutes count only when there are many: most of their codes are still under way.
    """
    return _too_few(seen.sent, seen.used, least) or _too_few(seen.sent_with_young, seen.used_with_young, least * _BURST)


def told_of(sent: int, budget: int) -> Told:
    """Tell what is to be said when `sent` of the day's budget are gone: an alarm at 80 %."""
    if sent >= budget:
        return Told.SPENT
    return Told.ALARM if 5 * sent >= 4 * budget else Told.NOTHING


def holds(until: int | None, life: int, now: int) -> bool:
    """Tell whether a note holds; one that would hold longer than its life was written under a wrong clock."""
    return until is not None and now < until <= now + life + SLACK


def _tally(sends: Sequence[Sent], now: int) -> Tally:
    """Count the sends in a row that were not used, each within an hour of the next."""
    run, later = 0, now
    for send in reversed(sends):
        if send.used or later - send.at >= _QUIET:
            break
        run, later = run + 1, send.at
    return Tally(tuple(send.at for send in sends), run, sends[-1].at if sends else 0)


def _too_few(sent: int, used: int, least: int) -> bool:
    return sent >= least and 100 * used < _UNUSUAL * sent
