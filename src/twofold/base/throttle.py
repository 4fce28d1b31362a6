"""Count wrong attempts, in the transaction of the attempt.

`lock` locks the row of a key, so that concurrent attempts cannot exceed the limit. If the key stands for something that
is locked already, such as an account, `peek` is enough. The rules are pure: they compute the time of the next permitted
attempt from a tally of past attempts, the limits and the current time.

A success clears only the failures of its own source (SP 800-63B-4 3.2.2), so a tally has a share for each source.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.database import Reply, Row, Transaction, Value
from twofold.base.housekeeping import Expiry
from twofold.config import Backoff, Rate

MAX_SHARES = 32  # more than the growing wait permits in a day
_REMEMBERED = 172_800  # the minimum, in seconds
_LONGEST_MEMORY = 30 * 86_400
# A tally that was seen and has been deleted since must not come back, nor one that was not there replace another.
_INSERT = """
    INSERT INTO throttle (key, marks, run, last_at, shares) VALUES (:key, :marks, :run, :last_at, :shares)
    ON CONFLICT (key) DO NOTHING
"""
_UPDATE = """
    UPDATE throttle SET marks = :marks, run = :run, last_at = :last_at, shares = :shares
    WHERE key = :key AND marks = :seen_marks AND run = :seen_run AND shares = :seen_shares
"""


class Share(msgspec.Struct, frozen=True):
    """The wrong attempts of one source or known browser, and the time of the last (epoch seconds)."""

    who: str  # empty for those that no success clears
    count: int
    last_at: int


class Tally(msgspec.Struct, frozen=True):
    """The wrong attempts of a key: recent times (epoch seconds), and each source's share of the run."""

    marks: tuple[int, ...] = ()
    shares: tuple[Share, ...] = ()

    @property
    def run(self) -> int:
        """The number of wrong attempts that no success has cleared."""
        return sum(share.count for share in self.shares)

    @property
    def last_at(self) -> int:
        """The time of the last attempt."""
        return max((*self.marks, *(share.last_at for share in self.shares)), default=0)

    def run_of(self, who: str) -> int:
        """Return the number of wrong attempts of one source."""
        return sum(share.count for share in self.shares if share.who == who)


Tallies = Mapping[str, Tally]  # by key; a key without attempts may be missing
COLUMNS = "t.key AS tally_key, t.marks, t.run, t.last_at, t.shares"  # of a tally in a query of several tables


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a feature; a tally is stored for as long as one of them needs it."""

    rates: tuple[Rate, ...] = ()
    backoff: Backoff | None = None
    endless: str = ""  # prefix of keys whose runs count until a success clears them


def blocked_until(tally: Tally, rates: Sequence[Rate], now: int, *, who: str | None = None) -> int | None:
    """Return the time from which `rates` permit another attempt, or None if they do now.

    With `who`, a rate applies only if they have a share in what was counted within its window.
    """
    if not tally.marks:
        return None
    ends = [_window_end(tally, rate, now) for rate in rates if who is None or _has_share(tally, who, rate, now)]
    return max((end for end in ends if end is not None), default=None)


def attempts_left(tally: Tally, rates: Sequence[Rate], now: int) -> int:
    """Return the number of attempts that `rates` still permit."""
    return min(max(rate.count - len(_recent(tally, rate, now)), 0) for rate in rates)


def backed_off_until(tally: Tally, backoff: Backoff, now: int, *, who: str | None = None) -> int | None:
    """Return the end of the growing wait after `backoff.free` wrong attempts, or None.

    Attempts count for `memory` seconds, for all sources together or for `who` only.
    """
    shares = [share for share in _remembered(tally.shares, backoff, now) if who in (None, share.who)]
    run = sum(share.count for share in shares)
    if run < backoff.free:
        return None
    doublings = min(run - backoff.free, 40)
    until = max(share.last_at for share in shares) + min(backoff.first << doublings, backoff.most)
    return until if until > now else None


def steps(backoff: Backoff) -> int:
    """Return the number of wrong attempts after which the wait is longest."""
    return backoff.free + (-(-backoff.most // backoff.first) - 1).bit_length()


def memory(backoff: Backoff) -> int:
    """Return for how many seconds a wrong attempt counts.

    The longest wait takes `steps` attempts, so each counts for at least as many of the longest waits. Any such period
    then contains at most twice `steps` attempts, from any number of sources.
    """
    return min(steps(backoff) * backoff.most, _LONGEST_MEMORY)


def with_attempt(
    tally: Tally, rates: Sequence[Rate], now: int, *, who: str | None = None, backoff: Backoff | None = None
) -> Tally:
    """Return the tally with one more attempt, in the share of `who`, and without attempts that no longer count."""
    longest = max(rates, key=lambda rate: rate.seconds, default=None)
    marks = (*_recent(tally, longest, now), now) if longest else ()
    shares = _remembered(tally.shares, backoff, now) if backoff else tally.shares
    return Tally(marks, shares if who is None else _with_share(shares, who, now))


def without(tally: Tally, who: str, mark: int | None = None) -> Tally:
    """Return the tally without the share of `who`, and without one mark."""
    marks = list(tally.marks)
    if mark in marks:
        marks.remove(mark)
    return Tally(tuple(marks), tuple(share for share in tally.shares if share.who != who))


def expiry(limits: Sequence[Limits]) -> Expiry:
    """Return the expiry of tallies that no limit uses any more."""
    spans = [rate.seconds for each in limits for rate in each.rates]
    spans += [memory(each.backoff) for each in limits if each.backoff]
    endless = "".join(f" AND (run = 0 OR key NOT LIKE '{each.endless}%')" for each in limits if each.endless)
    return Expiry("throttle", "key", f"last_at <= :before{endless}", kept=max([_REMEMBERED, *spans]))


async def peek(tx: Transaction, key: str) -> Tally:
    """Return a tally without locking it."""
    return (await peek_all(tx, key)).get(key, Tally())


def peek_all(tx: Transaction, *keys: str) -> Reply[Tallies]:
    """Return several tallies without locking them."""
    names = {f"key{number}": key for number, key in enumerate(keys)}
    listed = ", ".join(f":{name}" for name in names)
    sql = f"SELECT {COLUMNS} FROM throttle t WHERE t.key IN ({listed})"  # noqa: S608 - our own names
    return tx.all(sql, **names).then(tallies_of)


def tallies_of(rows: Iterable[Row]) -> Tallies:
    """Return the tallies of rows that have `COLUMNS`, if only for keys that have a tally."""
    return {row["tally_key"]: _tally(row) for row in rows if row["tally_key"] is not None}


def hold(tx: Transaction, key: str) -> None:
    """Lock a tally until this transaction ends, before it is read. It may be left empty, until it expires."""
    tx.lock(
        """
        INSERT INTO throttle (key, marks, run, last_at) VALUES (:key, '', 0, 0)
        ON CONFLICT (key) DO UPDATE SET run = throttle.run
        """,
        key=key,
    )


async def lock(tx: Transaction, key: str) -> Tally:
    """Return a tally, and lock it until this transaction ends."""
    hold(tx, key)
    return await peek(tx, key)


async def save(tx: Transaction, key: str, tally: Tally) -> None:
    """Store a tally; its key, or the row that the key stands for, must be locked."""
    tx.later(
        """
        INSERT INTO throttle (key, marks, run, last_at, shares) VALUES (:key, :marks, :run, :last_at, :shares)
        ON CONFLICT (key) DO UPDATE SET marks = :marks, run = :run, last_at = :last_at, shares = :shares
        """,
        key=key,
        run=tally.run,
        last_at=tally.last_at,
        **_written(tally),
    )


async def replace(tx: Transaction, key: str, seen: Tally, tally: Tally) -> bool:
    """Store a tally if the one of its key is still as `seen`; return whether it was stored."""
    new: dict[str, Value] = {"key": key, "run": tally.run, "last_at": tally.last_at, **_written(tally)}
    if seen == Tally():
        return await tx.run(_INSERT, **new) == 1
    old = {f"seen_{name}": text for name, text in _written(seen).items()}
    return await tx.run(_UPDATE, **new, **old, seen_run=seen.run) == 1


async def withdraw(tx: Transaction, key: str, tally: Tally, who: str, mark: int | None = None) -> None:
    """Remove the share of `who` and one mark from a tally, whose key must be locked."""
    remaining = without(tally, who, mark)
    if remaining == Tally():
        await delete(tx, key)
    else:
        await save(tx, key, remaining)


async def delete(tx: Transaction, key: str) -> None:
    """Delete the tally of a key."""
    tx.later("DELETE FROM throttle WHERE key = :key", key=key)


async def delete_all(tx: Transaction, key: str) -> None:
    """Delete the tallies of a key and of every key below it (`key:...`)."""
    tx.later("DELETE FROM throttle WHERE key = :key OR key LIKE :below", key=key, below=f"{key}:%")


def _window_end(tally: Tally, rate: Rate, now: int) -> int | None:
    recent = sorted(_recent(tally, rate, now))
    return recent[-rate.count] + rate.seconds if len(recent) >= rate.count else None


def _has_share(tally: Tally, who: str, rate: Rate, now: int) -> bool:
    return any(share.who == who and now - rate.seconds < share.last_at for share in tally.shares)


def _recent(tally: Tally, rate: Rate, now: int) -> tuple[int, ...]:
    return tuple(mark for mark in tally.marks if now - rate.seconds < mark <= now + MAX_CLOCK_SKEW)


def _remembered(shares: Sequence[Share], backoff: Backoff, now: int) -> tuple[Share, ...]:
    return tuple(share for share in shares if now - memory(backoff) < share.last_at <= now + MAX_CLOCK_SKEW)


def _with_share(shares: Sequence[Share], who: str, now: int) -> tuple[Share, ...]:
    count = sum(share.count for share in shares if share.who == who)
    others = sorted((share for share in shares if share.who != who), key=lambda share: -share.last_at)
    kept, rest = others[: MAX_SHARES - 2], others[MAX_SHARES - 2 :]
    if rest:  # attempts of the oldest sources still count, but no success clears them
        kept.append(Share("", sum(share.count for share in rest), max(share.last_at for share in rest)))
    return (Share(who, count + 1, now), *kept)


def _written(tally: Tally) -> dict[str, str]:
    return {
        "marks": ",".join(map(str, tally.marks)),
        "shares": ",".join(f"{share.who}:{share.count}:{share.last_at}" for share in tally.shares),
    }


def _tally(row: Row) -> Tally:
    marks, shares = row["marks"], [_share(text) for text in row["shares"].split(",") if text]
    older = row["run"] - sum(share.count for share in shares)
    if older > 0:  # counted by an earlier version, without shares
        shares.append(Share("", older, row["last_at"]))
    return Tally(tuple(map(int, marks.split(","))) if marks else (), tuple(shares))


def _share(text: str) -> Share:
    who, count, last_at = text.split(":")
    return Share(who, int(count), int(last_at))
