"""What a page or application demands of a session: a level, and how fresh its proofs are; and what a session lacks."""

from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import urlencode

import msgspec

from twofold.base.problems import Problem
from twofold.base.proofs import Level, Proof
from twofold.base.texts import N_, _
from twofold.sessions.rules import assurance, has_begun


class Demand(msgspec.Struct, frozen=True):
    """A level whose proofs were all made at `since` or later (epoch seconds, minus the permitted clock skew)."""

    level: Level = Level.ONE_FACTOR
    since: int = 0


ANY = Demand()


class Missing(StrEnum):
    """What a session lacks for a demand."""

    NOTHING = "nothing"
    STEP_UP = "step_up"  # its user has to authenticate again
    ENROLMENT = "enrolment"  # its user has to set up a method that reaches the level first
    UNAVAILABLE = "unavailable"  # no method of this server reaches the level


class Reach(msgspec.Struct, frozen=True):
    """The highest level that a step-up can reach, now and after the user has set up a method of this server."""

    now: Level
    later: Level


class StepUpRequired(Problem):
    """The session does not meet a demand."""

    code, status = "second_factor_required", 403
    title = N_("Confirm that it is you")

    def __init__(self, demand: Demand, missing: Missing, asks_for: tuple[str, ...]) -> None:
        super().__init__(level=demand.level.value, missing=missing.value, asks_for=list(asks_for))
        self.missing = missing
        if missing is Missing.UNAVAILABLE:
            self.title = _UNAVAILABLE  # type: ignore[misc]  # nothing that the user does resolves it
        else:
            self.resolve_at = authenticate_at(demand)  # type: ignore[misc]  # for this demand

    @property
    def detail(self) -> str:
        """Say what to do."""
        return _(_DETAILS[self.missing])


class AuthenticationTooOld(StepUpRequired):
    """The session has the level, but its proofs are too old."""

    code = "authentication_too_old"


_UNAVAILABLE = N_("A passkey or security key is needed")
_DETAILS = {
    Missing.STEP_UP: N_("Authenticate again to continue."),
    Missing.ENROLMENT: N_("Set up two-factor authentication, then authenticate again to continue."),
    Missing.UNAVAILABLE: N_(
        "This requires a passkey or security key, which this service does not support. Ask its administrator for help."
    ),
}


def within(level: Level, seconds: int, now: int) -> Demand:
    """Return the demand for proofs that are at most this many seconds old."""
    return Demand(level, now - seconds)


def is_met(proofs: Iterable[Proof], demand: Demand, now: int) -> bool:
    """Return whether proofs meet a demand; a proof from the future is not fresh."""
    counting = [each for each in proofs if has_begun(each.at, now)] if demand.since else proofs
    reached = assurance(counting, demand.level)
    return reached is not None and reached.authenticated_at >= demand.since


def missing(proofs: Iterable[Proof], demand: Demand, reach: Reach, now: int) -> Missing:
    """Return what a session with these proofs lacks for a demand."""
    if is_met(proofs, demand, now):
        return Missing.NOTHING
    if reach.now >= demand.level:
        return Missing.STEP_UP
    return Missing.ENROLMENT if reach.later >= demand.level else Missing.UNAVAILABLE


def asks_for_second_factor(demand: Demand, *, active: bool) -> bool:
    """Return whether an authentication asks for a second factor; `active` means that a sign-in does."""
    return active or demand.level > Level.ONE_FACTOR


def refusal(level: Level, demand: Demand, lack: Missing, asks_for: tuple[str, ...]) -> StepUpRequired:
    """Return the problem for a session of this level that does not meet a demand; `asks_for` are an unlock's fields."""
    return (AuthenticationTooOld if level >= demand.level else StepUpRequired)(demand, lack, asks_for)


def authenticate_at(demand: Demand, **more: str) -> str:
    """Return the address of the page that asks for what a demand lacks; the caller adds `return_to`."""
    return f"/authenticate?{urlencode({**fields(demand), **more})}"


def fields(demand: Demand) -> dict[str, str]:
    """Return a demand as fields of a form or query."""
    level = {"level": demand.level.value} if demand.level > Level.ONE_FACTOR else {}
    return {**level, **({"since": str(demand.since)} if demand.since else {})}


def read_demand(level: str, since: str, now: int) -> Demand:
    """Return the demand in a form or query. An invalid value demands nothing, and a future time counts as now."""
    known = Level(level) if level in set(Level) else Level.ONE_FACTOR
    seconds = int(since) if since.isascii() and since.isdigit() and len(since) <= len(str(now)) else 0
    return Demand(known, min(seconds, now))
