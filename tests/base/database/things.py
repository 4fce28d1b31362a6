"""Work on the table `thing`, as a room's store would have it."""

from twofold.base.database import Database, Transaction


async def add(tx: Transaction, name: str, size: int | None = 0, body: bytes | None = None) -> None:
    """Insert a thing. Raises Conflict when the name is taken."""
    await tx.run("INSERT INTO thing (name, size, body) VALUES (:name, :size, :body)", name=name, size=size, body=body)


async def names(tx: Transaction) -> list[str]:
    """All names in order."""
    return [row["name"] for row in await tx.all("SELECT name FROM thing ORDER BY name")]


async def stored(db: Database) -> list[str]:
    """All names that are committed."""
    return await db.read(names)
