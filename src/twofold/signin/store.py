"""The table of attempts under way: what is proven so far, for five minutes."""

import msgspec

from twofold.base.database import Transaction
from twofold.base.housekeeping import Over

_HOLD = """
    SELECT id FROM account WHERE id = (SELECT account_id FROM sign_in WHERE token_hash = :token_hash) FOR UPDATE
"""
_FIND = """
    SELECT s.account_id, s.tries, s.expires_at FROM sign_in s JOIN account a ON a.id = s.account_id
    WHERE s.token_hash = :token_hash AND s.stamp = a.stamp AND a.disabled_at IS NULL
"""
OVER = Over("sign_in", "token_hash", "expires_at <= :before")


class Attempt(msgspec.Struct, frozen=True):
    """A half-open sign-in: whose, how many wrong codes were tried, and its end (epoch seconds)."""

    account_id: str
    tries: int
    expires_at: int


async def find(tx: Transaction, token_hash: bytes) -> Attempt | None:
    """Find an attempt of an account that may sign in, and whose credentials are still those that were proven."""
    row = await tx.one(_FIND, token_hash=token_hash)
    return Attempt(*row) if row else None


async def hold(tx: Transaction, token_hash: bytes) -> Attempt | None:
    """Keep an attempt's account to this transaction, then find what is left of the attempt."""
    await tx.hold(_HOLD, token_hash=token_hash)
    return await find(tx, token_hash)


async def insert(tx: Transaction, token_hash: bytes, account_id: str, *, stamp: int, expires_at: int) -> None:
    """Begin an attempt; `stamp` is the account's when the password was proven."""
    await tx.run(
        """
        INSERT INTO sign_in (token_hash, account_id, stamp, tries, expires_at)
        VALUES (:token_hash, :account_id, :stamp, 0, :expires_at)
        """,
        token_hash=token_hash,
        account_id=account_id,
        stamp=stamp,
        expires_at=expires_at,
    )


async def count_try(tx: Transaction, token_hash: bytes) -> None:
    """Count a wrong code against an attempt."""
    await tx.run("UPDATE sign_in SET tries = tries + 1 WHERE token_hash = :token_hash", token_hash=token_hash)


async def finish(tx: Transaction, token_hash: bytes) -> bool:
    """End an attempt; tells whether it was still under way."""
    return await tx.run("DELETE FROM sign_in WHERE token_hash = :token_hash", token_hash=token_hash) == 1


async def bury(tx: Transaction, token_hash: bytes) -> str | None:
    """Take an attempt away, good or not; gives whose it was, if there was one."""
    row = await tx.one("DELETE FROM sign_in WHERE token_hash = :token_hash RETURNING account_id", token_hash=token_hash)
    return row["account_id"] if row else None
