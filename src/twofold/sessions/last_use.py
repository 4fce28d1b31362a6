"""When sessions were last used: noted in memory, written in batches, never before the answer."""

from twofold.base.database import Database
from twofold.base.problems import Unavailable
from twofold.sessions import store

_AT_MOST_EVERY = 60  # seconds between two notes of one session


class LastUse:
    """Notes of last use that the database does not have yet."""

    def __init__(self) -> None:
        self._noted: dict[bytes, int] = {}

    def latest(self, token_hash: bytes, stored: int) -> int:
        """Give the last use known, stored or only noted (epoch seconds)."""
        return max(stored, self._noted.get(token_hash, 0))

    def note(self, token_hash: bytes, last_used_at: int, now: int) -> None:
        """Note a use, at most once a minute for a session."""
        if now - last_used_at >= _AT_MOST_EVERY:
            self._noted[token_hash] = now

    async def write(self, db: Database) -> None:
        """Write the notes; what cannot be written now is written next time."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            await db.write(store.note_use, noted)
        except Unavailable:
            self._noted = noted | self._noted
