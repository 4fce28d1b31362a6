"""The recent sends, the day's budget, and notes that are in force for a while.

`lock` locks the one row of `sending`. Every send takes this lock first, so that all limits are checked and counted by
one sender at a time and hold exactly under concurrency. On PostgreSQL this makes it a hot row: sends of the whole
service run one after another, each until its transaction has committed (2 to 5 ms on a local disk, so 200 a second or
more; a budget of a million a day needs 12). Refusals only read, and nothing but sending waits for the lock.
"""

from dataclasses import dataclass
from typing import Literal

from twofold.base.database import Transaction
from twofold.base.housekeeping import Expiry
from twofold.base.ids import sortable_id
from twofold.factors.phone.sendlimits.rules import A_DAY, Conversion, Limits, Past, Sent


@dataclass(frozen=True, slots=True)
class Day:
    """A day's budget: the day (since 1970, UTC), how many messages were sent, and the last alert to administrators."""

    day: int
    sent: int
    alert: int


@dataclass(frozen=True, slots=True)
class Send:
    """The sender and recipient of a code; `number` and `prefix` are keyed hashes."""

    number: str
    prefix: str
    country: str
    source: str
    account_id: str


def expiry(limits: Limits) -> tuple[Expiry, ...]:
    """Return the expiry of sends that no limit counts any more, and of notes that are no longer in force."""
    kept = max(limits.longest, 2 * A_DAY)
    return (Expiry("sent_code", "id", "at <= :before", kept=kept), Expiry("sending_note", "key", "until <= :before"))


async def lock(tx: Transaction) -> Day:
    """Take the lock of all sends and return the budget. It must be the last lock that a transaction takes."""
    row = await tx.one("SELECT day, sent, told AS alert FROM sending WHERE id = 1 FOR UPDATE")
    assert row is not None  # noqa: S101 - the migration inserts this row
    return Day(**row)


async def save_day(tx: Transaction, day: Day) -> None:
    """Store the budget, which must be locked."""
    tx.later(
        "UPDATE sending SET day = :day, sent = :sent, told = :alert WHERE id = 1",
        day=day.day,
        sent=day.sent,
        alert=int(day.alert),
    )


async def sent_today(tx: Transaction, now: int) -> int:
    """Return the number of messages of this day: those sent, and the reserved notices."""
    day = now // A_DAY
    row = await tx.one("SELECT sent FROM sending WHERE id = 1 AND day = :day", day=day)
    return (int(row["sent"]) if row else 0) + await reserved_notices(tx, day, now)


async def reserved_notices(tx: Transaction, day: int, now: int) -> int:
    """Return the number of removal notices that a day's budget reserves and that may still be sent."""
    row = await tx.one(
        """
        SELECT COUNT(*) AS number FROM factor
        WHERE notice_day = :day AND notice_day > 0 AND (verified_at IS NOT NULL OR expires_at > :now)
        """,
        day=day,
        now=now,
    )
    assert row is not None  # noqa: S101 - COUNT returns a row
    return int(row["number"])


async def lacks_notice(tx: Transaction, factor_id: str) -> bool:
    """Return whether no removal notice is reserved yet for a factor."""
    row = await tx.one("SELECT 1 AS yes FROM factor WHERE id = :id AND notice_day IS NULL", id=factor_id)
    return row is not None


async def reserve_notice(tx: Transaction, factor_id: str, day: int) -> None:
    """Reserve the removal notice of a factor in a day's budget, which must be locked."""
    tx.later("UPDATE factor SET notice_day = :day WHERE id = :id", id=factor_id, day=day)


async def past_sends(tx: Transaction, send: Send, *, since: int) -> Past:
    """Return the past sends that the limits count."""
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
    tx: Transaction, group: Literal["prefix", "country"], value: str, *, since: int, settled: int
) -> Conversion:
    """Count the codes sent to a group of numbers after `since`, and the used ones, in all and up to `settled`."""
    row = await tx.one(
        f"""
        SELECT COUNT(CASE WHEN at <= :settled THEN 1 END) AS sent,
            COUNT(CASE WHEN at <= :settled THEN used_at END) AS used,
            COUNT(*) AS sent_with_recent, COUNT(used_at) AS used_with_recent
        FROM sent_code WHERE {group} = :value AND at > :since
        """,  # noqa: S608 - one of two columns
        value=value,
        since=since,
        settled=settled,
    )
    assert row is not None  # noqa: S101 - COUNT returns a row
    return Conversion(**row)


async def insert(tx: Transaction, send: Send, now: int) -> None:
    """Insert a send."""
    tx.later(
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
    """Record that the last code to a number for an account was used; return whether there was one."""
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


async def set_note(tx: Transaction, key: str, until: int) -> None:
    """Store a note that is in force until `until`."""
    tx.later(
        "INSERT INTO sending_note (key, until) VALUES (:key, :until) ON CONFLICT (key) DO UPDATE SET until = :until",
        key=key,
        until=until,
    )


async def notes_of(tx: Transaction, first: str, second: str, third: str, fourth: str) -> dict[str, int]:
    """Return until when each of four notes is in force, without those that do not exist."""
    rows = await tx.all(
        "SELECT key, until FROM sending_note WHERE key IN (:first, :second, :third, :fourth)",
        first=first,
        second=second,
        third=third,
        fourth=fourth,
    )
    return {row["key"]: row["until"] for row in rows}
