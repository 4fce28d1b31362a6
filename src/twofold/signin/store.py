"""The table of attempts under way: what is proven so far, for five minutes."""

from dataclasses import dataclass

from twofold.base.database import Transaction

OVER = "DELETE FROM sign_in WHERE token_hash IN (SELECT token_hash FROM sign_in WHERE expires_at <= :now LIMIT :most)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A half-open sign-in; `stamp` is the account's when the password was proven."""

    account_id: str
    stamp: int
    tries: int
    expires_at: int


async def find(tx: Transaction, token_hash: bytes) -> Attempt | None:
    """Find an attempt."""
    row = await tx.one(
        "SELECT account_id, stamp, tries, expires_at FROM sign_in WHERE token_hash = :token_hash",
        token_hash=token_hash,
    )
    return Attempt(**row) if row else None


async def insert(tx: Transaction, token_hash: bytes, attempt: Attempt) -> None:
    """Begin an attempt."""
    await tx.run(
        """
        INSERT INTO sign_in (token_hash, account_id, stamp, tries, expires_at)
        VALUES (:token_hash, :account_id, :stamp, 0, :expires_at)
        """,
        token_hash=token_hash,
        account_id=attempt.account_id,
        stamp=attempt.stamp,
        expires_at=attempt.expires_at,
    )


async def count_try(tx: Transaction, token_hash: bytes) -> None:
    """Count a wrong code against an attempt."""
    await tx.run("UPDATE sign_in SET tries = tries + 1 WHERE token_hash = :token_hash", token_hash=token_hash)


async def finish(tx: Transaction, token_hash: bytes) -> bool:
    """End an attempt; tells whether it was still under way."""
    return await tx.run("DELETE FROM sign_in WHERE token_hash = :token_hash", token_hash=token_hash) == 1
