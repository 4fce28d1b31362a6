"""SQL for sending the outbox. A claimed message belongs to one process for the length of a lease."""

from dataclasses import dataclass

from twofold.base.database import Transaction
from twofold.couriers.rules import LEASE


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A claimed message, still encrypted."""

    id: str
    channel: str
    sealed: bytes
    spent: str
    tries: int
    expires_at: int


async def claim(tx: Transaction, channel: str, most: int, now: int) -> list[ClaimedMessage]:
    """Claim and return due messages of a channel. Nodes that claim at the same time get different messages."""
    rows = await tx.all(
        """
        WITH due AS MATERIALIZED (
            SELECT id FROM outbox
            WHERE outcome IS NULL AND channel = :channel AND next_at <= :now AND expires_at > :now
            ORDER BY next_at LIMIT :most FOR UPDATE SKIP LOCKED
        )
        UPDATE outbox SET next_at = :lease, tries = tries + 1 WHERE id IN (SELECT id FROM due)
        RETURNING id, channel, sealed, spent, tries, expires_at
        """,
        channel=channel,
        most=most,
        now=now,
        lease=now + LEASE,
    )
    return [ClaimedMessage(**row) for row in rows]


async def settle(tx: Transaction, message_id: str, outcome: str, reason: str | None) -> None:
    """Record the outcome of a message, and erase its content."""
    tx.later(
        "UPDATE outbox SET outcome = :outcome, reason = :reason, sealed = NULL WHERE id = :id AND outcome IS NULL",
        id=message_id,
        outcome=outcome,
        reason=reason,
    )


async def postpone(tx: Transaction, message_id: str, next_at: int, spent: str) -> None:
    """Release a claimed message, to be tried again later."""
    tx.later(
        "UPDATE outbox SET next_at = :next_at, spent = :spent WHERE id = :id AND outcome IS NULL",
        id=message_id,
        next_at=next_at,
        spent=spent,
    )


async def expire(tx: Transaction, now: int) -> list[str]:
    """Erase expired messages that no process is sending now, and return their ids."""
    rows = await tx.all(
        """
        UPDATE outbox SET outcome = 'refused', reason = 'expired', sealed = NULL
        WHERE outcome IS NULL AND expires_at <= :now AND next_at <= :now RETURNING id
        """,
        now=now,
    )
    return [row["id"] for row in rows]


async def report(tx: Transaction, message_id: str, reason: str) -> None:
    """Record a delivery failure reported by the provider; it may arrive before `settle`."""
    tx.later(
        """
        UPDATE outbox SET outcome = 'refused', reason = :reason, sealed = NULL
        WHERE id = :id AND (outcome IS NULL OR outcome = 'sent')
        """,
        id=message_id,
        reason=reason,
    )
