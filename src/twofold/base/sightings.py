"""What the service has seen that an operator should know: noted in memory, written now and then, shown by `doctor`."""

import logging

from twofold.base.database import Database, Transaction
from twofold.base.housekeeping import Over
from twofold.base.problems import Unavailable

IGNORED_FORWARDING = "forwarding headers from an untrusted peer"

OVER = Over("sighting", "name, detail", "at <= :before", kept=30 * 86_400)

_log = logging.getLogger("twofold")
_MOST = 100  # different ones noted at a time: a stranger can make up many


class Sightings:
    """Sightings by name and detail, each with the last time that it was seen (epoch seconds)."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], int] = {}
        self._told: set[tuple[str, str]] = set()

    def note(self, name: str, detail: str, now: int) -> None:
        """Note a sighting; the log tells of the first."""
        seen = (name, detail)
        if seen not in self._told and len(self._told) < _MOST:
            self._told.add(seen)
            _log.warning("%s ignored", name, extra={"peer": detail})
        if seen in self._noted or len(self._noted) < _MOST:
            self._noted[seen] = now

    async def write(self, db: Database) -> None:
        """Write what was seen since the last time."""
        noted, self._noted = self._noted, {}
        if noted:
            try:
                await db.write(_save, noted)
            except Unavailable:
                self._noted = noted | self._noted


async def last_seen(tx: Transaction, name: str) -> tuple[str, int] | None:
    """Give the detail and time of the last sighting of this name."""
    row = await tx.one("SELECT detail, at FROM sighting WHERE name = :name ORDER BY at DESC, detail LIMIT 1", name=name)
    return (row["detail"], row["at"]) if row else None


async def seen_since(tx: Transaction, name: str, since: int) -> list[tuple[str, int]]:
    """List the details and times of the sightings of this name after `since`, newest first."""
    rows = await tx.all(
        "SELECT detail, at FROM sighting WHERE name = :name AND at > :since ORDER BY at DESC, detail LIMIT 20",
        name=name,
        since=since,
    )
    return [(row["detail"], row["at"]) for row in rows]


async def save(tx: Transaction, name: str, detail: str, at: int) -> None:
    """Write a sighting at once, in the transaction of what was seen."""
    await tx.run(
        """
        INSERT INTO sighting (name, detail, at) VALUES (:name, :detail, :at)
        ON CONFLICT (name, detail) DO UPDATE SET at = :at
        """,
        name=name,
        detail=detail,
        at=at,
    )


async def _save(tx: Transaction, noted: dict[tuple[str, str], int]) -> None:
    for (name, detail), at in noted.items():
        await save(tx, name, detail, at)
