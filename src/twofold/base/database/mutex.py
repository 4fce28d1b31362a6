"""A named lock, for conditions without a row to lock, such as "there is none yet"."""

from twofold.base.database import Transaction


async def acquire_mutex(tx: Transaction, name: str) -> None:
    """Lock a name until this transaction ends. Check the condition after this call, not before."""
    tx.later("INSERT INTO mutex (name) VALUES (:name) ON CONFLICT (name) DO UPDATE SET name = :name", name=name)
