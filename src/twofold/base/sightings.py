"""Signs of misconfiguration for the operator: collected in memory, stored at intervals, shown by `doctor`."""

import logging
from collections.abc import Mapping

from twofold.base.database import Database, Transaction
from twofold.base.housekeeping import Expiry
from twofold.base.unsaved import Unsaved

IGNORED_FORWARDING = "forwarding headers from an untrusted peer"
UNREADABLE_FORWARDING = "X-Forwarded-For without a readable address"
NO_FORWARDING = "no X-Forwarded-For from a trusted proxy"
HIDDEN_ORIGIN = "forms whose origin is hidden"
CHANGED_ORIGIN = "forms whose origin is another"
REMEDIES = {  # the rest of a sentence that begins with the peer's address, in the log and in `doctor`
    IGNORED_FORWARDING: "sent forwarding headers, which were ignored: if it is your proxy, add it to"
    " TWOFOLD_TRUSTED_PROXIES",
    UNREADABLE_FORWARDING: "is a trusted proxy but sent an X-Forwarded-For without a readable address, so all its"
    " clients share one limit: configure it to send the client's address",
    NO_FORWARDING: "is a trusted proxy but sent no X-Forwarded-For, so all its clients share one limit: configure it to"
    " send the client's address",
    HIDDEN_ORIGIN: "sent forms without their origin: if it is your proxy, remove `Referrer-Policy: no-referrer`"
    " there, and pass Origin and Sec-Fetch-Site unchanged",
    CHANGED_ORIGIN: "sent forms of our own pages with an origin other than that of TWOFOLD_BASE_URL: users open another"
    " address, or a proxy changes Origin",
}

EXPIRY = Expiry("sighting", "name, detail", "at <= :before", kept=30 * 86_400)

_log = logging.getLogger("twofold")
_MAX_SIGHTINGS = 100  # different sightings in memory, since clients can invent many
_LOG_INTERVAL = 60  # seconds between two log lines about the same sighting


class Sightings:
    """Sightings by name and detail, with the time of the last one (epoch seconds)."""

    def __init__(self, remedies: Mapping[str, str]) -> None:
        self._remedies = remedies
        self._unsaved = Unsaved(_save)
        self._logged: dict[tuple[str, str], int] = {}

    def record(self, name: str, detail: str, now: int) -> None:
        """Record a sighting, and log it at most once a minute."""
        seen = (name, detail)
        if seen in self._logged or len(self._logged) < _MAX_SIGHTINGS:
            logged_at = self._logged.get(seen)
            if logged_at is None or abs(now - logged_at) >= _LOG_INTERVAL:
                self._logged[seen] = now
                _log.warning("%s: the peer %s", name, self._remedies[name], extra={"peer": detail})
        if seen in self._unsaved or len(self._unsaved) < _MAX_SIGHTINGS:
            self._unsaved.put(seen, now)

    async def write(self, db: Database) -> None:
        """Store the sightings since the last time."""
        await self._unsaved.write(db)


async def last_seen(tx: Transaction, name: str) -> tuple[str, int] | None:
    """Return the detail and time of the last sighting of this name, or None."""
    row = await tx.one("SELECT detail, at FROM sighting WHERE name = :name ORDER BY at DESC, detail LIMIT 1", name=name)
    return (row["detail"], row["at"]) if row else None


async def seen_since(tx: Transaction, name: str, since: int) -> list[tuple[str, int]]:
    """Return details and times of the sightings of this name after `since`, newest first."""
    rows = await tx.all(
        "SELECT detail, at FROM sighting WHERE name = :name AND at > :since ORDER BY at DESC, detail LIMIT 20",
        name=name,
        since=since,
    )
    return [(row["detail"], row["at"]) for row in rows]


async def details(tx: Transaction, name: str) -> list[str]:
    """Return the details of all sightings of this name."""
    return [row["detail"] for row in await tx.all("SELECT detail FROM sighting WHERE name = :name", name=name)]


async def delete(tx: Transaction, name: str) -> None:
    """Delete the sightings of this name."""
    await tx.run("DELETE FROM sighting WHERE name = :name", name=name)


async def save(tx: Transaction, name: str, detail: str, at: int) -> None:
    """Store a sighting in this transaction."""
    await tx.run(
        """
        INSERT INTO sighting (name, detail, at) VALUES (:name, :detail, :at)
        ON CONFLICT (name, detail) DO UPDATE SET at = :at
        """,
        name=name,
        detail=detail,
        at=at,
    )


async def _save(tx: Transaction, sightings: dict[tuple[str, str], int]) -> None:
    for (name, detail), at in sightings.items():
        await save(tx, name, detail, at)
