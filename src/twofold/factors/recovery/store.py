"""The table of recovery codes: one row per account, with a keyed hash of the code."""

from twofold.base.database import Row, Transaction


async def find(tx: Transaction, account_id: str) -> Row | None:
    """Return the current code of an account."""
    return await tx.one(
        "SELECT code_hash, created_at, saved_at FROM recovery_code WHERE account_id = :account_id",
        account_id=account_id,
    )


async def replace(tx: Transaction, account_id: str, code_hash: str, now: int) -> None:
    """Replace the old code with a new one."""
    tx.later(
        """
        INSERT INTO recovery_code (account_id, code_hash, created_at) VALUES (:account_id, :code_hash, :now)
        ON CONFLICT (account_id) DO UPDATE SET code_hash = :code_hash, created_at = :now, saved_at = NULL
        """,
        account_id=account_id,
        code_hash=code_hash,
        now=now,
    )


async def exchange(tx: Transaction, account_id: str, old_hash: str, new_hash: str, now: int) -> bool:
    """Replace this code and no other with a new one; return False if it is no longer the current code."""
    changed = await tx.run(
        """
        UPDATE recovery_code SET code_hash = :new_hash, created_at = :now, saved_at = NULL
        WHERE account_id = :account_id AND code_hash = :old_hash
        """,
        account_id=account_id,
        old_hash=old_hash,
        new_hash=new_hash,
        now=now,
    )
    return changed == 1


async def consume(tx: Transaction, account_id: str, code_hash: str) -> bool:
    """Use up this code and no other; return whether it still existed."""
    spent = await tx.run(
        "DELETE FROM recovery_code WHERE account_id = :account_id AND code_hash = :code_hash",
        account_id=account_id,
        code_hash=code_hash,
    )
    return spent == 1


async def delete(tx: Transaction, account_id: str) -> None:
    """Delete the code of an account."""
    tx.later("DELETE FROM recovery_code WHERE account_id = :account_id", account_id=account_id)


async def mark_saved(tx: Transaction, account_id: str, now: int) -> bool:
    """Record that the owner has saved the code; return False if that was already recorded, or there is no code."""
    noted = await tx.run(
        "UPDATE recovery_code SET saved_at = :now WHERE account_id = :account_id AND saved_at IS NULL",
        account_id=account_id,
        now=now,
    )
    return noted == 1
