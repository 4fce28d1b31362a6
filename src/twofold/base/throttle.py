"""Counting wrong attempts, in the transaction of the attempt.

`hold` locks the row of a key, so that of many attempts at once no more are compared than the limit allows; where
something else is held that stands for the key, such as an account, `peek` is enough.
The rules are pure: a tally of past attempts, the limits and the time in, the moment of the next try out.
"""

from collections.abc import Sequence

import msgspec

from twofold.base.database import Row, Transaction
from twofold.base.housekeeping import Over
from twofold.base.slack import SLACK
from twofold.config import Backoff, Config, Rate

_REMEMBERED = 172_800  # seconds at least


class Tally(msgspec.Struct, frozen=True):
    """Wrong attempts under one key: their times in a window, how many in a row, and the last one (epoch seconds)."""

    marks: tuple[int, ...] = ()
    run: int = 0
    last_at: int = 0


def blocked_until(tally: Tally, rates: Sequence[Rate], now: int) -> int | None:
    """Give the moment from which another attempt fits all `rates`, or None when it fits now."""
    if not tally.marks:
        return None
    ends = [_window_end(tally, rate, now) for rate in rates]
    return max((end for end in ends if end is not None), default=None)


def attempts_left(tally: Tally, rates: Sequence[Rate], now: int) -> int:
    """Count the attempts that still fit all `rates`."""
    return min(max(rate.count - len(_recent(tally, rate, now)), 0) for rate in rates)


def backed_off_until(tally: Tally, backoff: Backoff, now: int) -> int | None:
    """Give the end of the growing wait after `backoff.free` wrong attempts in a row, or None."""
    if tally.run < backoff.free or tally.last_at > now + SLACK:
        return None
    doublings = min(tally.run - backoff.free, 40)
    until = tally.last_at + min(backoff.first << doublings, backoff.most)
    return until if until > now else None


def with_attempt(tally: Tally, rates: Sequence[Rate], now: int) -> Tally:
    """Add one wrong attempt; marks that no window looks at any more go."""
    longest = max(rates, key=lambda rate: rate.seconds, default=None)
    kept = _recent(tally, longest, now) if longest else ()
    return Tally((*kept, now) if longest else (), tally.run + 1, now)


def over(config: Config) -> Over:
    """Tell which tallies no limit looks at any more; a run of wrong codes has no end, and is kept."""
    rates = (*config.limit_codes, *config.limit_source, *config.limit_sign_ups, *config.limit_mails)
    longest = max(_REMEMBERED, config.limit_passwords.most, *(rate.seconds for rate in rates))
    return Over("throttle", "key", "last_at <= :before AND (run = 0 OR key NOT LIKE 'codes:%')", kept=longest)


async def peek(tx: Transaction, key: str) -> Tally:
    """Read a tally without locking it."""
    row = await tx.one("SELECT marks, run, last_at FROM throttle WHERE key = :key", key=key)
    return _tally(row) if row else Tally()


async def peek_both(tx: Transaction, first: str, second: str) -> tuple[Tally, Tally]:
    """Read two tallies at once without locking them."""
    rows = await tx.all(
        "SELECT key, marks, run, last_at FROM throttle WHERE key IN (:first, :second)", first=first, second=second
    )
    found = {row["key"]: _tally(row) for row in rows}
    return found.get(first, Tally()), found.get(second, Tally())


async def hold(tx: Transaction, key: str) -> Tally:
    """Read a tally and keep others from it until this transaction ends."""
    row = await tx.one(
        """
        INSERT INTO throttle (key, marks, run, last_at) VALUES (:key, '', 0, 0)
        ON CONFLICT (key) DO UPDATE SET run = throttle.run RETURNING marks, run, last_at
        """,
        key=key,
    )
    assert row is not None  # noqa: S101 - RETURNING always gives the row
    return _tally(row)


async def save(tx: Transaction, key: str, tally: Tally) -> None:
    """Write a tally; the key, or what it stands for, must be held."""
    await tx.run(
        """
        INSERT INTO throttle (key, marks, run, last_at) VALUES (:key, :marks, :run, :last_at)
        ON CONFLICT (key) DO UPDATE SET marks = :marks, run = :run, last_at = :last_at
        """,
        key=key,
        marks=",".join(map(str, tally.marks)),
        run=tally.run,
        last_at=tally.last_at,
    )


async def forget(tx: Transaction, key: str) -> None:
    """Start a key afresh."""
    await tx.run("DELETE FROM throttle WHERE key = :key", key=key)


async def forget_all(tx: Transaction, key: str) -> None:
    """Start a key afresh, and every key below it (`key:...`)."""
    await tx.run("DELETE FROM throttle WHERE key = :key OR key LIKE :below", key=key, below=f"{key}:%")


def _window_end(tally: Tally, rate: Rate, now: int) -> int | None:
    recent = sorted(_recent(tally, rate, now))
    return recent[-rate.count] + rate.seconds if len(recent) >= rate.count else None


def _recent(tally: Tally, rate: Rate, now: int) -> tuple[int, ...]:
    return tuple(mark for mark in tally.marks if now - rate.seconds < mark <= now + SLACK)


def _tally(row: Row) -> Tally:
    marks = row["marks"]
    return Tally(tuple(map(int, marks.split(","))) if marks else (), row["run"], row["last_at"])
