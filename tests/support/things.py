"""Queries on the table `thing`, as in the store of a feature."""

from twofold.base.database import Database, Transaction


async def add(tx: Transaction, name: str, size: int | None = 0, body: bytes | None = None) -> None:
    """Insert a thing. Raise Conflict if the name exists."""
    await tx.run("INSERT INTO thing (name, size, body) VALUES (:name, :size, :body)", name=name, size=size, body=body)


async def names(tx: Transaction) -> list[str]:
    """Return all names in order."""
    return [row["name"] for row in await tx.all("SELECT name FROM thing ORDER BY name")]


async def stored(db: Database) -> list[str]:
    """Return all committed names."""
    return await db.read(names)
