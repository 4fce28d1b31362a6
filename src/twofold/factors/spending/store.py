"""What was sent lately, the day's budget, and what holds for a while.

`hold` locks the one row of `sending`, and every send takes it first, so that all limits are checked and counted as if
there were one sender: caps hold exactly, whatever runs at once. That makes it a hot row on PostgreSQL: sends of the
whole service go one after another, each for the rest of its transaction, commit included (2 to 5 ms on a local disk,
so 200 a second or more; a budget of a million a day asks for 12). Refusals only read. Nothing but sending waits.
"""

from dataclasses import dataclass
from typing import Literal

from twofold.base.database import Transaction
from twofold.base.housekeeping import Over
from twofold.base.ids import sortable_id
from twofold.factors.spending.rules import A_DAY, Conversion, Limits, Past, Sent


@dataclass(frozen=True, slots=True)
class Day:
    """A day's budget: the day (since 1970, UTC), how many codes were sent, and what administrators were told."""

    day: int
    sent: int
    told: int


@dataclass(frozen=True, slots=True)
class Send:
    """Who sends to which number; `number` and `prefix` are keyed hashes."""

    number: str
    prefix: str
    country: str
    source: str
    account_id: str


def over(limits: Limits) -> tuple[Over, ...]:
    """Tell which sends no limit looks back at, and which notes hold no more."""
    kept = max(limits.longest, 2 * A_DAY)
    return (Over("sent_code", "id", "at <= :before", kept=kept), Over("sending_note", "key", "until <= :before"))


async def hold(tx: Transaction) -> Day:
    """Take the lock of all sends, and read the budget. Nothing that others may hold is locked after it."""
    row = await tx.one("SELECT day, sent, told FROM sending WHERE id = 1 FOR UPDATE")
    assert row is not None  # noqa: S101 - the migration put it there
    return Day(**row)


async def save_day(tx: Transaction, day: Day) -> None:
    """Write the budget; it must be held."""
    await tx.run(
        "UPDATE sending SET day = :day, sent = :sent, told = :told WHERE id = 1",
        day=day.day,
        sent=day.sent,
        told=int(day.told),
    )


async def sent_today(tx: Transaction, now: int) -> int:
    """Count the codes of this day."""
    row = await tx.one("SELECT sent FROM sending WHERE id = 1 AND day = :day", day=now // A_DAY)
    return int(row["sent"]) if row else 0


async def past(tx: Transaction, send: Send, *, since: int) -> Past:
    """Load what the limits look at."""
    number = await tx.all(
        "SELECT at, used_at FROM sent_code WHERE number = :number AND at > :since ORDER BY at, id",
        number=send.number,
        since=since,
    )
    account = await tx.all(
        "SELECT at FROM sent_code WHERE account_id = :account_id AND at > :since AND used_at IS NULL ORDER BY at",
        account_id=send.account_id,
        since=since,
    )
    source = await tx.all(
        "SELECT at FROM sent_code WHERE source = :source AND at > :since AND used_at IS NULL ORDER BY at",
        source=send.source,
        since=since,
    )
    return Past(
        tuple(Sent(row["at"], row["used_at"] is not None) for row in number),
        tuple(row["at"] for row in account),
        tuple(row["at"] for row in source),
    )


async def conversion(
    tx: Transaction, group: Literal["prefix", "country"], value: str, *, since: int, ripe: int
) -> Conversion:
    """Count the codes sent to a group of numbers after `since`, those until `ripe` apart, and those that were used."""
    row = await tx.one(
        f"""
        SELECT COUNT(CASE WHEN at <= :ripe THEN 1 END) AS sent, COUNT(CASE WHEN at <= :ripe THEN used_at END) AS used,
            COUNT(*) AS sent_with_young, COUNT(used_at) AS used_with_young
        FROM sent_code WHERE {group} = :value AND at > :since
        """,  # noqa: S608 - one of two columns
        value=value,
        since=since,
        ripe=ripe,
    )
    assert row is not None  # noqa: S101 - counting gives a row
    return Conversion(**row)


async def insert(tx: Transaction, send: Send, now: int) -> None:
    """Note a send."""
    await tx.run(
        """
        INSERT INTO sent_code (id, number, prefix, country, source, account_id, at)
        VALUES (:id, :number, :prefix, :country, :source, :account_id, :now)
        """,
        id=sortable_id(now),
        number=send.number,
        prefix=send.prefix,
        country=send.country,
        source=send.source,
        account_id=send.account_id,
        now=now,
    )


async def mark_used(tx: Transaction, number: str, account_id: str, now: int) -> bool:
    """Note that the last code to a number for an account was used; tells whether there was one."""
    changed = await tx.run(
        """
        UPDATE sent_code SET used_at = :now WHERE id =
            (SELECT id FROM sent_code WHERE number = :number AND account_id = :account_id AND used_at IS NULL
             ORDER BY at DESC, id DESC LIMIT 1)
        """,
        number=number,
        account_id=account_id,
        now=now,
    )
    return changed == 1


async def note(tx: Transaction, key: str, until: int) -> None:
    """Note what holds until then."""
    await tx.run(
        "INSERT INTO sending_note (key, until) VALUES (:key, :until) ON CONFLICT (key) DO UPDATE SET until = :until",
        key=key,
        until=until,
    )


async def noted(tx: Transaction, first: str, second: str, third: str, fourth: str) -> dict[str, int]:
    """Give until when each of four notes holds, as far as it was made."""
    rows = await tx.all(
        "SELECT key, until FROM sending_note WHERE key IN (:first, :second, :third, :fourth)",
        first=first,
        second=second,
        third=third,
        fourth=fourth,
    )
    return {row["key"]: row["until"] for row in rows}
