"""The table of trusted computers. A row counts while the account's stamp is the one that it was trusted under."""

import msgspec

from twofold.base.database import Transaction
from twofold.base.housekeeping import Over
from twofold.base.slack import SLACK

# Trust that begins in the future was given under a wrong clock, and would live too long.
_LIVING = f"""
    FROM computer c JOIN account a ON a.id = c.account_id
    WHERE c.account_id = :account_id AND c.stamp = a.stamp AND c.expires_at > :now
      AND c.created_at <= :now + {SLACK}
"""

OVER = Over("computer", "token_hash", "expires_at <= :before")


class Computer(msgspec.Struct, frozen=True):
    """One trusted computer; times are epoch seconds."""

    id: str
    name: str
    source: str
    created_at: int
    last_used_at: int
    expires_at: int
    token_hash: bytes


async def of_account(tx: Transaction, account_id: str, now: int) -> list[Computer]:
    """List the computers that an account trusts, last used first."""
    rows = await tx.all(
        f"""
        SELECT c.id, c.name, c.source, c.created_at, c.last_used_at, c.expires_at, c.token_hash {_LIVING}
        ORDER BY c.last_used_at DESC, c.id
        """,
        account_id=account_id,
        now=now,
    )
    return [Computer(**row) for row in rows]


async def use(tx: Transaction, account_id: str, token_hash: bytes, now: int) -> str | None:
    """Note that a trusted computer signs in; gives its id, or None when it is not trusted (any more)."""
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
        slack=SLACK,
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
    """Trust a computer under the account's stamp of now."""
    await tx.run(
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
    await tx.run(
        "UPDATE computer SET name = :name WHERE id = :id AND account_id = :account_id",
        id=computer_id,
        account_id=account_id,
        name=name,
    )


async def forget(tx: Transaction, account_id: str, computer_id: str) -> bool:
    """Forget one computer; tells whether there was one."""
    forgotten = await tx.run(
        "DELETE FROM computer WHERE id = :id AND account_id = :account_id", id=computer_id, account_id=account_id
    )
    return forgotten == 1


async def forget_all(tx: Transaction, account_id: str) -> int:
    """Forget every computer of an account; gives how many."""
    return await tx.run("DELETE FROM computer WHERE account_id = :account_id", account_id=account_id)
