"""SQL for usernames, and for the claims that keep each for one account."""

from twofold.base.database import Row, Transaction


async def claim(tx: Transaction, account_id: str, username: str, name_hash: bytes) -> bool:
    """Claim a username that no account has ever had; of many accounts that want it at once, one gets it.

    Return whether this account has it now.
    """
    claimed = await tx.run(
        """
        INSERT INTO username_claim (name_hash, account_id) SELECT :name_hash, :account_id
        WHERE NOT EXISTS (SELECT 1 FROM account WHERE username = :username AND id <> :account_id)
        ON CONFLICT (name_hash) DO NOTHING
        """,
        account_id=account_id,
        username=username,
        name_hash=name_hash,
    )
    return claimed == 1


async def reclaim(tx: Transaction, account_id: str, username: str, name_hash: bytes) -> bool:
    """Claim a username that no other account has ever had; return whether this account has the claim now."""
    claimed = await tx.run(
        """
        INSERT INTO username_claim (name_hash, account_id) SELECT :name_hash, :account_id
        WHERE NOT EXISTS (SELECT 1 FROM account WHERE username = :username AND id <> :account_id)
        ON CONFLICT (name_hash) DO UPDATE SET account_id = :account_id WHERE username_claim.account_id = :account_id
        """,
        account_id=account_id,
        username=username,
        name_hash=name_hash,
    )
    return claimed == 1


async def set_username(tx: Transaction, account_id: str, username: str) -> None:
    """Set the username of an account that has claimed it."""
    tx.later("UPDATE account SET username = :username WHERE id = :id", id=account_id, username=username)


async def complete(tx: Transaction, account_id: str, username: str) -> None:
    """Add what an account of the previous version lacks: a username that it has claimed, and its role."""
    tx.later(
        """
        UPDATE account SET username = :username, role = CASE administrator WHEN 1 THEN 'owner' ELSE role END
        WHERE id = :id
        """,
        id=account_id,
        username=username,
    )


async def incomplete(tx: Transaction, limit: int) -> list[Row]:
    """Return the ids and addresses of the oldest accounts without a username."""
    return await tx.all(
        "SELECT id, email FROM account WHERE username IS NULL ORDER BY created_at, id LIMIT :limit", limit=limit
    )
