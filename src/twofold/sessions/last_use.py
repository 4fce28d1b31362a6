"""The last use of sessions: recorded in memory, and stored in batches after the answer."""

from twofold.base.database import Database
from twofold.base.unsaved import Unsaved
from twofold.sessions import store

_RECORD_INTERVAL = 60  # seconds between two records of a session
WRITTEN_WITHIN = 120  # seconds until a last use is stored


class LastUse:
    """Last uses that are not stored in the database yet."""

    def __init__(self) -> None:
        self._unsaved = Unsaved(store.record_use)

    def latest(self, token_hash: bytes, stored: int) -> int:
        """Return the last use, stored or not (epoch seconds)."""
        return max(stored, self._unsaved.get(token_hash))

    def record(self, token_hash: bytes, last_used_at: int, now: int) -> None:
        """Record a use, at most once a minute per session."""
        if now - last_used_at >= _RECORD_INTERVAL:
            self._unsaved.put(token_hash, now)

    async def write(self, db: Database) -> None:
        """Store the recorded uses; keep them for the next time if that fails."""
        await self._unsaved.write(db)
