"""Rules for when a session is valid, when it may change settings, and which level its proofs reach."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.proofs import PASSWORD, Assurance, Level, Proof, Strength
from twofold.base.visitor import Freshness, Visitor

RECOVERY_CODE = "recovery_code"
RECOVERY_CODE_STRENGTH = Strength(Level.TWO_FACTORS, "otp")
_PASSWORD_STRENGTH = Strength(Level.ONE_FACTOR, "pwd")
_SEVERAL = "mfa"  # `amr` of more than one factor
_UNKNOWN = ""  # the source of a proof that an earlier version stored


def is_active(*, last_used_at: int, expires_at: int, idle: int, now: int) -> bool:
    """Return whether a session has not reached its idle or absolute end (`idle` in seconds)."""
    return now < expires_at and now < last_used_at + idle


def has_begun(started_at: int, now: int) -> bool:
    """Return whether something did not begin in the future: a wrong clock would make it last too long."""
    return started_at <= now + MAX_CLOCK_SKEW


def is_unlocked(visitor: Visitor, now: int) -> bool:
    """Return whether this session may change settings now."""
    return now < visitor.unlocked_until


def freshness(visitor: Visitor | None, now: int) -> Freshness:
    """Return what a visitor has proved, for the table of access."""
    if visitor is None:
        return Freshness.ANONYMOUS
    return Freshness.UNLOCKED if is_unlocked(visitor, now) else Freshness.SIGNED_IN


def password_proof(at: int) -> Proof:
    """Return the proof of the correct password."""
    return Proof(PASSWORD, PASSWORD, at, _PASSWORD_STRENGTH)


def recovery_code_proof(at: int) -> Proof:
    """Return the proof of the correct recovery code."""
    return Proof(RECOVERY_CODE, RECOVERY_CODE, at, RECOVERY_CODE_STRENGTH)


def assurance(proofs: Iterable[Proof], wanted: Level | None = None) -> Assurance | None:
    """Return how proofs reach a level, or a higher one: by default the highest, otherwise the one that is `wanted`.

    Of several combinations, the one whose oldest proof is newest counts. None if they do not reach the level.
    """
    reached = list(_combinations(proofs))
    least = wanted or max((each.level for each in reached), default=Level.ONE_FACTOR)
    return max((each for each in reached if each.level >= least), default=None)


def added(proofs: Iterable[Proof], new: Iterable[Proof], now: int) -> tuple[Proof, ...]:
    """Return proofs with new ones, and only the newest of each source and strength.

    A proof from the future was made under a wrong clock, and any other replaces it.
    """
    by_time = sorted((*proofs, *new), key=lambda each: each.at if has_begun(each.at, now) else 0)
    return tuple({(each.source, each.strength): each for each in by_time}.values())


def without(proofs: Iterable[Proof], sources: Collection[str]) -> tuple[Proof, ...]:
    """Return the proofs that still count after their sources were removed."""
    return tuple(each for each in proofs if each.source not in sources and each.source != _UNKNOWN)


def rests_on(proofs: Iterable[Proof], source: str) -> bool:
    """Return whether a session with these proofs would have none without this source."""
    return assurance(without(proofs, {source})) is None


def of_password(proofs: Iterable[Proof]) -> tuple[Proof, ...]:
    """Return the proof of the password alone, if there is one."""
    return tuple(each for each in proofs if each.method == PASSWORD)


def earlier_proofs(methods: Iterable[str], at: int, strengths: Mapping[str, Strength]) -> tuple[Proof, ...]:
    """Return the proofs of a session for which an earlier version stored the names of its methods only."""
    known = {**strengths, PASSWORD: _PASSWORD_STRENGTH, RECOVERY_CODE: RECOVERY_CODE_STRENGTH}
    return tuple(
        Proof(each, each if each in (PASSWORD, RECOVERY_CODE) else _UNKNOWN, at, known[each])
        for each in methods
        if each in known
    )


def _combinations(proofs: Iterable[Proof]) -> Iterator[Assurance]:
    """Yield what is reached by the password, by each other proof with it, and by each proof that needs no password."""
    proofs = tuple(proofs)
    password = max((each.at for each in proofs if each.method == PASSWORD), default=None)
    if password is not None:
        yield Assurance(password, Level.ONE_FACTOR, (PASSWORD,), _PASSWORD_STRENGTH.amr)
    for each in proofs:
        level, amr, alone = each.strength.level, each.strength.amr, each.strength.alone
        if password is not None and each.method != PASSWORD:
            methods = (PASSWORD, each.method)
            yield Assurance(min(password, each.at), level, methods, f"{_PASSWORD_STRENGTH.amr} {amr} {_SEVERAL}")
        if alone:
            yield Assurance(each.at, level, (each.method,), f"{alone} {_SEVERAL}")
