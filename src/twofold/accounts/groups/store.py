"""SQL for groups and their members.

`account.group_names` is a copy of the names for the reads of every request, changed together with each membership.
"""

from twofold.base.database import Row, Transaction


async def insert(tx: Transaction, name: str, now: int) -> bool:
    """Add a group; return False if there is one of this name."""
    added = await tx.run(
        "INSERT INTO account_group (name, created_at) VALUES (:name, :now) ON CONFLICT (name) DO NOTHING",
        name=name,
        now=now,
    )
    return added == 1


async def find_for_update(tx: Transaction, name: str) -> Row | None:
    """Return a group, or None, and lock it until this transaction ends."""
    return await tx.one("SELECT name FROM account_group WHERE name = :name FOR UPDATE", name=name)


async def all_groups(tx: Transaction) -> list[Row]:
    """Return all groups by name, with the number of their members."""
    return await tx.all(
        """
        SELECT name, created_at, (SELECT COUNT(*) FROM group_member WHERE group_name = name) AS members
        FROM account_group ORDER BY name
        """
    )


async def some_members(tx: Transaction, name: str, limit: int) -> list[str]:
    """Return the account ids of some members of a group."""
    rows = await tx.all(
        "SELECT account_id FROM group_member WHERE group_name = :name ORDER BY account_id LIMIT :limit",
        name=name,
        limit=limit,
    )
    return [row["account_id"] for row in rows]


async def delete_empty(tx: Transaction, name: str) -> bool:
    """Delete a locked group unless it has members; return whether it was deleted."""
    deleted = await tx.run(
        """
        DELETE FROM account_group
        WHERE name = :name AND NOT EXISTS (SELECT 1 FROM group_member WHERE group_name = :name)
        """,
        name=name,
    )
    return deleted == 1


async def join(tx: Transaction, account_id: str, name: str, now: int) -> bool:
    """Add a locked account to a group; return False if it is already a member."""
    joined = await tx.run(
        """
        INSERT INTO group_member (group_name, account_id, joined_at) VALUES (:name, :account_id, :now)
        ON CONFLICT (account_id, group_name) DO NOTHING
        """,
        name=name,
        account_id=account_id,
        now=now,
    )
    if joined == 1:
        await _copy_names(tx, account_id)
    return joined == 1


async def leave(tx: Transaction, account_id: str, name: str) -> bool:
    """Remove a locked account from a group; return False if it is not a member."""
    left = await tx.run(
        "DELETE FROM group_member WHERE account_id = :account_id AND group_name = :name",
        account_id=account_id,
        name=name,
    )
    if left == 1:
        await _copy_names(tx, account_id)
    return left == 1


async def _copy_names(tx: Transaction, account_id: str) -> None:
    rows = await tx.all("SELECT group_name FROM group_member WHERE account_id = :id ORDER BY group_name", id=account_id)
    tx.later(
        "UPDATE account SET group_names = :names WHERE id = :id",
        id=account_id,
        names=" ".join(row["group_name"] for row in rows),
    )
