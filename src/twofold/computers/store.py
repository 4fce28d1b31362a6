"""SQL for trusted computers. A row is valid while the account's stamp is the same as when it was trusted."""

import msgspec

from twofold.base.clock import MAX_CLOCK_SKEW
from twofold.base.database import Reply, Transaction
from twofold.base.housekeeping import Expiry

# Trust that begins in the future was granted with a wrong clock, and would last too long.
_VALID = f"""
    FROM computer c JOIN account a ON a.id = c.account_id
    WHERE c.account_id = :account_id AND c.stamp = a.stamp AND c.expires_at > :now
      AND c.created_at <= :now + {MAX_CLOCK_SKEW}
"""

EXPIRY = Expiry("computer", "token_hash", "expires_at <= :before")


class Computer(msgspec.Struct, frozen=True):
    """A trusted computer; times are epoch seconds."""

    id: str
    name: str
    source: str
    created_at: int
    last_used_at: int
    expires_at: int
    token_hash: bytes


async def of_account(tx: Transaction, account_id: str, *, before: str, limit: int, now: int) -> list[Computer]:
    """Return trusted computers of an account, newest first, with ids below `before`."""
    rows = await tx.all(
        f"""
        SELECT c.id, c.name, c.source, c.created_at, c.last_used_at, c.expires_at, c.token_hash {_VALID}
          AND c.id < :before
        ORDER BY c.id DESC LIMIT :limit
        """,
        account_id=account_id,
        before=before,
        limit=limit,
        now=now,
    )
    return [Computer(**row) for row in rows]


async def find(tx: Transaction, account_id: str, computer_id: str, now: int) -> Computer | None:
    """Return a trusted computer of an account, or None."""
    row = await tx.one(
        f"""
        SELECT c.id, c.name, c.source, c.created_at, c.last_used_at, c.expires_at, c.token_hash {_VALID}
          AND c.id = :id
        """,
        account_id=account_id,
        id=computer_id,
        now=now,
    )
    return Computer(**row) if row else None


async def keep_newest(tx: Transaction, account_id: str, kept: int, now: int) -> None:
    """Delete invalid rows of an account, and all but the newest `kept` of its trusted computers."""
    tx.later(
        f"""
        DELETE FROM computer WHERE account_id = :account_id AND token_hash NOT IN (
            SELECT c.token_hash {_VALID} ORDER BY c.created_at DESC, c.id DESC LIMIT :kept)
        """,  # noqa: S608 - written above
        account_id=account_id,
        kept=kept,
        now=now,
    )


async def use(tx: Transaction, account_id: str, token_hash: bytes, now: int) -> str | None:
    """Record that a trusted computer signs in; return its id, or None if it is not trusted."""
    row = await tx.one(
        """
        UPDATE computer SET last_used_at = :now
        WHERE token_hash = :token_hash AND account_id = :account_id AND expires_at > :now
          AND created_at <= :now + :slack
          AND stamp = (SELECT stamp FROM account WHERE id = :account_id)
        RETURNING id
        """,
        account_id=account_id,
        token_hash=token_hash,
        now=now,
        slack=MAX_CLOCK_SKEW,
    )
    return row["id"] if row else None


async def insert(
    tx: Transaction,
    *,
    token_hash: bytes,
    computer_id: str,
    account_id: str,
    name: str,
    source: str,
    now: int,
    expires_at: int,
) -> None:
    """Trust a computer under the current stamp of the account."""
    tx.later(
        """
        INSERT INTO computer (token_hash, id, account_id, stamp, name, source, created_at, last_used_at, expires_at)
        SELECT :token_hash, :computer_id, id, stamp, :name, :source, :now, :now, :expires_at
        FROM account WHERE id = :account_id
        """,
        token_hash=token_hash,
        computer_id=computer_id,
        account_id=account_id,
        name=name,
        source=source,
        now=now,
        expires_at=expires_at,
    )


async def rename(tx: Transaction, account_id: str, computer_id: str, name: str) -> None:
    """Rename a computer."""
    tx.later(
        "UPDATE computer SET name = :name WHERE id = :id AND account_id = :account_id",
        id=computer_id,
        account_id=account_id,
        name=name,
    )


async def forget(tx: Transaction, account_id: str, computer_id: str) -> bool:
    """Delete a trusted computer; return whether there was one."""
    forgotten = await tx.run(
        "DELETE FROM computer WHERE id = :id AND account_id = :account_id", id=computer_id, account_id=account_id
    )
    return forgotten == 1


def forget_all(tx: Transaction, account_id: str) -> Reply[int]:
    """Delete every trusted computer of an account; return how many."""
    return tx.run("DELETE FROM computer WHERE account_id = :account_id", account_id=account_id)
