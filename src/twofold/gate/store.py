"""SQL for tickets, which take a session to the host of an application, and for the sessions behind gate cookies."""

import msgspec

from twofold.base.database import Transaction
from twofold.base.housekeeping import Expiry

EXPIRY = Expiry("gate_ticket", "token_hash", "expires_at <= :before")


class Ticket(msgspec.Struct, frozen=True):
    """A ticket, and the hash of its session's gate id: None if the session has ended or the account is disabled."""

    account_id: str
    session_id: str
    origin: str
    target: str
    nonce: str
    expires_at: int
    gate_hash: bytes | None


async def gate_hash_of(tx: Transaction, account_id: str, session_id: str) -> bytes | None:
    """Return the hash of the gate id of a session, or None if it has none yet."""
    row = await tx.one(
        "SELECT gate_hash FROM session WHERE id = :id AND account_id = :account_id",
        id=session_id,
        account_id=account_id,
    )
    return row["gate_hash"] if row else None


async def set_gate_hash(tx: Transaction, account_id: str, session_id: str, gate_hash: bytes) -> None:
    """Store under which hash a session is found by its gate cookie."""
    await tx.run(
        "UPDATE session SET gate_hash = :gate_hash WHERE id = :id AND account_id = :account_id",
        id=session_id,
        account_id=account_id,
        gate_hash=gate_hash,
    )


async def insert(
    tx: Transaction,
    token_hash: bytes,
    ticket_id: str,
    ticket: Ticket,
    *,
    others: int,
) -> None:
    """Add a ticket; of the same session, only so many others stay, the newest."""
    await tx.run(
        """
        INSERT INTO gate_ticket (token_hash, id, account_id, session_id, origin, target, nonce, expires_at)
        VALUES (:token_hash, :id, :account_id, :session_id, :origin, :target, :nonce, :expires_at)
        """,
        token_hash=token_hash,
        id=ticket_id,
        account_id=ticket.account_id,
        session_id=ticket.session_id,
        origin=ticket.origin,
        target=ticket.target,
        nonce=ticket.nonce,
        expires_at=ticket.expires_at,
    )
    await tx.run(
        """
        DELETE FROM gate_ticket WHERE account_id = :account_id AND session_id = :session_id AND id NOT IN (
            SELECT id FROM gate_ticket WHERE account_id = :account_id AND session_id = :session_id
            ORDER BY id DESC LIMIT :most)
        """,
        account_id=ticket.account_id,
        session_id=ticket.session_id,
        most=others + 1,
    )


async def exists(tx: Transaction, token_hash: bytes) -> bool:
    """Return whether there is a ticket."""
    row = await tx.one("SELECT 1 AS found FROM gate_ticket WHERE token_hash = :token_hash", token_hash=token_hash)
    return row is not None


async def spend(tx: Transaction, token_hash: bytes) -> Ticket | None:
    """Delete a ticket and return it, or None if there is none."""
    row = await tx.one(
        """
        DELETE FROM gate_ticket WHERE token_hash = :token_hash
        RETURNING account_id, session_id, origin, target, nonce, expires_at, (
            SELECT s.gate_hash FROM session s JOIN account a ON a.id = s.account_id
            WHERE s.id = session_id AND s.account_id = gate_ticket.account_id AND a.disabled_at IS NULL
        ) AS gate_hash
        """,
        token_hash=token_hash,
    )
    return Ticket(**row) if row else None


async def delete_all(tx: Transaction, account_id: str) -> None:
    """Delete the tickets of an account."""
    tx.later("DELETE FROM gate_ticket WHERE account_id = :account_id", account_id=account_id)
