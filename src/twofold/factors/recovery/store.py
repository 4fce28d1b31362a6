"""The recovery code table: one row an account, a keyed hash of the code."""

from twofold.base.database import Row, Transaction


async def find(tx: Transaction, account_id: str) -> Row | None:
    """Find the living code of an account."""
    return await tx.one(
        "SELECT code_hash, created_at, saved_at FROM recovery_code WHERE account_id = :account_id",
        account_id=account_id,
    )


async def replace(tx: Transaction, account_id: str, code_hash: str, now: int) -> None:
    """Put a new code in the place of the old one."""
    await tx.run(
        """
        INSERT INTO recovery_code (account_id, code_hash, created_at) VALUES (:account_id, :code_hash, :now)
        ON CONFLICT (account_id) DO UPDATE SET code_hash = :code_hash, created_at = :now, saved_at = NULL
        """,
        account_id=account_id,
        code_hash=code_hash,
        now=now,
    )


async def spend(tx: Transaction, account_id: str, code_hash: str) -> bool:
    """Use up exactly this code; tells whether it was still there."""
    spent = await tx.run(
        "DELETE FROM recovery_code WHERE account_id = :account_id AND code_hash = :code_hash",
        account_id=account_id,
        code_hash=code_hash,
    )
    return spent == 1


async def delete(tx: Transaction, account_id: str) -> None:
    """Kill the code of an account."""
    await tx.run("DELETE FROM recovery_code WHERE account_id = :account_id", account_id=account_id)


async def mark_saved(tx: Transaction, account_id: str, now: int) -> None:
    """Note that the owner has saved the code."""
    await tx.run(
        "UPDATE recovery_code SET saved_at = :now WHERE account_id = :account_id", account_id=account_id, now=now
    )
